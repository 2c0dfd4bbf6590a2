"""Precise batch norm where two processes normalise their batches together.

torch.nn.SyncBatchNorm takes CUDA tensors only; on CPUs a subclass of it stands in, which computes
the same in plain torch.
"""

import copy

import numpy as np
import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from small_detector import scene, small_detector
from torch import distributed, nn
from torch.nn import functional
from two_layers import TwoLayers, far_apart
from two_processes import PROCESSES, results_of, work

from infomin_plugin.engine.hooks.precise_bn import update_bn_statistics

SIZES = (9, ) * 6
SCENES = (0, 1, 3, 2)
ON_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason='torch.nn.SyncBatchNorm takes CUDA tensors only, and there is no CUDA device here')


class GatheredBatchNorm(nn.SyncBatchNorm):
    """In training mode, sums of values and of their squares over all processes; no gradients."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return functional.batch_norm(x, self.running_mean, self.running_var, self.weight,
                                         self.bias, eps=self.eps)
        values = x.detach().double().transpose(0, 1).flatten(1)  # channels x values
        sums = torch.stack([torch.full_like(values[:, :1], values.shape[1])[:, 0],
                            values.sum(1), values.square().sum(1)])
        distributed.all_reduce(sums)
        count, mean, square = sums[0], *(sums[1:] / sums[0])
        variance = square - mean.square()
        if self.track_running_stats:
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean.float(), self.momentum)
            self.running_var.lerp_((variance * count / (count - 1)).float(), self.momentum)
        return functional.batch_norm(x, mean.float(), variance.float(), self.weight, self.bias,
                                     eps=self.eps)


def gathered(model: nn.Module) -> nn.Module:
    """Put the stand-in in the place of each batch norm."""
    for parent in list(model.modules()):
        for name, norm in parent.named_children():
            if isinstance(norm, nn.BatchNorm2d):
                other = GatheredBatchNorm(norm.num_features, norm.eps, norm.momentum)
                other.load_state_dict(norm.state_dict())
                setattr(parent, name, other)
    return model


def _joined(batches: list[dict]) -> list[dict]:
    """What both processes see at a time, as one batch."""
    return [{key: torch.cat([batch[key] for batch in pair]) if torch.is_tensor(pair[0][key])
             else [item for batch in pair for item in batch[key]] for key in pair[0]}
            for pair in zip(batches[::2], batches[1::2], strict=True)]


def run(rank):
    layers, detector = TwoLayers(GatheredBatchNorm), gathered(small_detector()).train()
    probe = copy.deepcopy(layers)
    with torch.no_grad():
        probe(far_apart(SIZES)[rank]['inputs'])
    assert update_bn_statistics(layers, far_apart(SIZES)[rank::PROCESSES]) == (2, 3)
    assert update_bn_statistics(detector, [scene(i) for i in SCENES[rank::PROCESSES]])[1] == 2
    states = dict(probe=probe.state_dict(), layers=layers.state_dict(),
                  detector=detector.state_dict())
    if torch.cuda.is_available():
        on_gpu = TwoLayers(nn.SyncBatchNorm).cuda()
        update_bn_statistics(on_gpu, far_apart(SIZES)[rank::PROCESSES])
        states['gpu'] = {name: value.cpu() for name, value in on_gpu.state_dict().items()}
    return states


@pytest.fixture(scope='module')
def states(tmp_path_factory):
    return results_of(__file__, tmp_path_factory.mktemp('two'))


def _population() -> dict[str, np.ndarray]:
    """Of all samples of both processes, in double precision.

    The second layer sees what the first made of them with the statistics of both batches of a
    moment.
    """
    model = TwoLayers()
    weight, bias = (value.detach().double().numpy() for value in model.linear.parameters())
    joined = [batch['inputs'].double().numpy() for batch in _joined(far_apart(SIZES))]
    second = [(x - x.mean(0)) / np.sqrt(x.var(0) + model.bn1.eps) @ weight.T + bias for x in joined]
    found = {}
    for name, values in (('bn1', np.concatenate(joined)), ('bn2', np.concatenate(second))):
        found |= {f'{name}.running_mean': values.mean(0), f'{name}.running_var': values.var(0)}
    return found


def _check_population(states, which):
    first, second = (state[which] for state in states)
    for name, expected in _population().items():
        assert torch.equal(first[name], second[name]), name
        np.testing.assert_allclose(first[name].numpy(), expected, rtol=1e-5, atol=1e-5)
    assert first['bn1.num_batches_tracked'] == 0  # no batch of its own


def test_statistics_are_those_of_both_processes(states):
    _check_population(states, 'layers')


@ON_GPU
def test_statistics_are_those_of_both_processes_on_a_gpu(states):
    _check_population(states, 'gpu')


def test_each_process_for_itself_would_differ():
    model = revert_sync_batchnorm(TwoLayers(nn.SyncBatchNorm))
    update_bn_statistics(model, far_apart(SIZES))
    difference = model.bn2.running_var.numpy() / _population()['bn2.running_var'] - 1
    assert np.abs(difference).max() > 0.1


def test_the_stand_in_computes_what_one_batch_norm_does_on_both_batches(states):
    plain = TwoLayers()
    plain(_joined(far_apart(SIZES))[0]['inputs'])
    for state in states:
        for name, expected in plain.state_dict().items():
            torch.testing.assert_close(state['probe'][name], expected)


def test_a_detector_on_two_processes_is_one_that_sees_both_images(states):
    alone = small_detector().train()
    update_bn_statistics(alone, _joined([scene(i) for i in SCENES]))
    first, second = (state['detector'] for state in states)
    means = 0
    for name, expected in alone.state_dict().items():
        assert torch.equal(first[name], second[name]), name
        if 'roi_head' not in name:  # whose regions are drawn at random
            torch.testing.assert_close(first[name], expected, rtol=1e-3, atol=1e-5)
            means += name.endswith('running_mean')
    assert means == 20 + 8  # ResNet-18, FPN


if __name__ == '__main__':
    work(run)

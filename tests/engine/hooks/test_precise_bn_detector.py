"""Precise batch norm of detectors, and on several processes."""

import copy

import torch
from mmengine.model import revert_sync_batchnorm
from small_detector import scene, small_detector
from torch import nn
from two_layers import TwoLayers, far_apart
from two_processes import results_of, work

from infomin_plugin.engine.hooks.precise_bn import update_bn_statistics

SIZES = (8, 5, 12, 7)
SCENES = (0, 1, 3, 2)


def _detector() -> nn.Module:
    """A detector whose batch norms were synchronised ones; as a runner on CPUs reverts them."""
    return revert_sync_batchnorm(nn.SyncBatchNorm.convert_sync_batchnorm(small_detector())).train()


def test_detector_in_loss_mode():
    """Its regions are drawn as in training, and its statistics are those of all its batches."""
    model = _detector()
    # PyTorch's own cumulative average of the batch means, on the same batches and draws.
    other = copy.deepcopy(model)
    for module in other.modules():
        if hasattr(module, 'momentum'):
            module.momentum = None
    stem, regions = [], []
    other.backbone.conv1.register_forward_hook(lambda *args: stem.append(args[2]))
    other.roi_head.bbox_head.shared_convs[0].register_forward_hook(
        lambda *args: regions.append(len(args[2])))
    torch.manual_seed(5)
    with torch.no_grad():
        for seed in SCENES:
            other(**other.data_preprocessor(scene(seed), training=True), mode='loss')
    torch.manual_seed(5)
    update_bn_statistics(model, [scene(seed) for seed in SCENES])

    assert regions == [32] * 4  # train_cfg.rcnn.sampler.num, not the proposals of a test
    found, expected = model.state_dict(), other.state_dict()
    means = [name for name in found if name.endswith('running_mean')]
    assert len(means) == 20 + 8 + 1  # ResNet-18, FPN, box head
    for name in means:
        torch.testing.assert_close(found[name], expected[name], atol=1e-5, rtol=1e-4)
    values = torch.cat(stem).transpose(0, 1).flatten(1)
    torch.testing.assert_close(
        found['backbone.bn1.running_var'], values.var(1, unbiased=False), rtol=1e-4, atol=1e-6)


# --- two processes


MODELS_AND_BATCHES = {
    'plain': lambda: (TwoLayers(), far_apart(SIZES)),
    'reverted': lambda: (revert_sync_batchnorm(TwoLayers(nn.SyncBatchNorm)), far_apart(SIZES)),
    'detector': lambda: (_detector(), [scene(seed) for seed in SCENES]),
}


def run(rank):
    states = {}
    for name, make in MODELS_AND_BATCHES.items():
        model, batches = make()
        assert update_bn_statistics(model, batches[rank::2])[1] == 2
        states[name] = model.state_dict()
    return states


def test_two_processes_agree_with_one_that_sees_all_batches(tmp_path):
    states = results_of(__file__, tmp_path)
    for name, make in MODELS_AND_BATCHES.items():
        alone, batches = make()
        before = copy.deepcopy(alone.state_dict())
        update_bn_statistics(alone, batches)
        first, second = (state[name] for state in states)
        for key, expected in alone.state_dict().items():
            assert torch.equal(first[key], second[key]), (name, key)
            assert torch.equal(expected, before[key]) != ('running_' in key), (name, key)
            if not key.startswith('roi_head.'):  # whose regions are drawn at random
                torch.testing.assert_close(first[key], expected, rtol=1e-5, atol=1e-6)


if __name__ == '__main__':
    work(run)

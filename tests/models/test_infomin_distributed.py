"""Two processes equal one with the whole batch. This file is also the process that is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed, nn

PROCESSES, BATCH, STEPS = 2, 6, 2
QUEUE = dict(type='KeyQueue', length=7, channels=4)
BANK = dict(type='KeyBank', length=20, channels=4, num_negatives=5)


def build(memory):
    from mmengine.registry import init_default_scope

    from infomin_plugin.models import InfoMin
    init_default_scope('infomin_plugin')
    torch.manual_seed(0)
    model = InfoMin(
        backbone=dict(
            type='mmselfsup.ResNet', depth=18, stem_channels=4, base_channels=4,
            out_indices=(4, )),
        neck=dict(type='mmselfsup.LinearNeck', in_channels=32, out_channels=4),
        head=dict(type='ContrastiveHead', temperature=0.15),
        memory=memory,
        momentum=0.9)
    model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def run(rank, processes):
    """Two steps of SGD on this process's share; returns keys, queue, position and weights."""
    model = build(QUEUE)
    step = model
    if processes > 1:
        step = nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    data = torch.Generator().manual_seed(1)
    share = slice(rank * BATCH // processes, (rank + 1) * BATCH // processes)
    for _ in range(STEPS):
        views = [torch.randn(BATCH, 3, 32, 32, generator=data)[share] for _ in range(2)]
        step(dict(views=views), mode='loss')['loss_view'].backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.manual_seed(rank)  # the shuffle must not depend on equal random states
    keys = model.encode_keys(views[1])
    return dict(keys=keys, queue=model.memory.keys, position=model.memory.position,
                weight=model.backbone.conv1.weight.detach(), bank=update_bank(share))


def update_bank(share):
    """The bank after two batches of which this process has a share."""
    model, data = build(BANK), torch.Generator().manual_seed(2)
    for _ in range(STEPS):
        views = torch.randn(BATCH, 3, 32, 32, generator=data)[share]
        indices = torch.randperm(20, generator=data)[:BATCH][share]
        model(dict(views=[views]), sample_idx=indices, mode='loss')
    return model.memory.keys


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What one process computes, and each of two."""
    folder = tmp_path_factory.mktemp('gloo')
    workers = [
        subprocess.Popen([sys.executable, __file__, str(folder), str(rank)],
                         env=os.environ | {'OMP_NUM_THREADS': '1'})
        for rank in range(PROCESSES)]
    assert [worker.wait(timeout=120) for worker in workers] == [0] * PROCESSES
    return run(0, 1), [torch.load(folder / f'{rank}.pt', weights_only=True)
                       for rank in range(PROCESSES)]


def test_keys_come_back_to_the_images_they_are_of(results):
    whole, parts = results
    torch.testing.assert_close(torch.cat([part['keys'] for part in parts]), whole['keys'])


def test_the_queue_is_that_of_the_whole_batch_on_both(results):
    whole, parts = results
    for part in parts:
        torch.testing.assert_close(part['queue'], whole['queue'])
        assert part['position'] == whole['position'] == STEPS * BATCH % 7


def test_the_bank_is_that_of_the_whole_batch_on_both(results):
    whole, parts = results
    start = build(BANK).memory.keys
    assert 6 < (whole['bank'] != start).any(dim=1).sum() <= STEPS * BATCH
    for part in parts:
        torch.testing.assert_close(part['bank'], whole['bank'])


def test_the_step_is_that_of_the_whole_batch(results):
    whole, parts = results
    for part in parts:
        torch.testing.assert_close(part['weight'], whole['weight'])


if __name__ == '__main__':
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank,
                                   world_size=PROCESSES)
    torch.save(run(rank, PROCESSES), folder / f'{rank}.pt')
    distributed.barrier()

"""Which loops a config gets."""

import pytest
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from infomin_plugin.engine.runner.loops import ResumableEpochLoop, ResumableIterLoop, resumable


@pytest.mark.parametrize('named, ours', [
    (dict(type='EpochBasedTrainLoop'), ResumableEpochLoop),
    (dict(type='mmengine.EpochBasedTrainLoop'), ResumableEpochLoop),
    (dict(type=EpochBasedTrainLoop), ResumableEpochLoop),
    (dict(by_epoch=True), ResumableEpochLoop),
    (dict(type='IterBasedTrainLoop'), ResumableIterLoop),
    (dict(type=IterBasedTrainLoop), ResumableIterLoop),
    (dict(by_epoch=False), ResumableIterLoop),
])
def test_stock_loops_become_resumable(named, ours):
    cfg = dict(named, max_iters=3)
    assert resumable(cfg) == dict(type=ours, max_iters=3)
    assert cfg == dict(named, max_iters=3)


@pytest.mark.parametrize('cfg', [
    dict(type='SomeLoop'), dict(type='EpochBasedTrainLoop', by_epoch=True), None])
def test_others_are_left_to_mmengine(cfg):
    assert resumable(cfg) is cfg

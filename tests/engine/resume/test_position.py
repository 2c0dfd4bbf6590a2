"""Whether the place where a checkpoint was written is there again."""

import logging
from types import SimpleNamespace

import pytest
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch.utils.data import DataLoader

from infomin_plugin.engine.resume import position
from infomin_plugin.engine.resume.position import KEY, check_position, describe_position


def loop(kind, images=12, batch=4):
    made = kind.__new__(kind)  # a runner would have to be built
    made.dataloader = DataLoader(range(images), batch)
    made._runner = SimpleNamespace(logger=logging.getLogger('position'))
    return made


def meta(epoch, done, kind=EpochBasedTrainLoop, **data):
    return {'epoch': epoch, 'iter': done, KEY: describe_position(loop(kind, **data))}


def test_says_what_a_position_is_relative_to(monkeypatch):
    monkeypatch.setattr(position, 'get_world_size', lambda: 2)
    assert describe_position(loop(EpochBasedTrainLoop, 10)) == dict(images=10, batch=8, batches=3)


@pytest.mark.parametrize('epoch, done', [(0, 0), (0, 2), (0, 3), (1, 3), (1, 4), (5, 15)])
def test_the_same_data_pass_anywhere(epoch, done):
    here = loop(EpochBasedTrainLoop)
    for given in (meta(epoch, done), {'epoch': epoch, 'iter': done}):
        check_position(given, here)
        assert given['iter'] == done


@pytest.mark.parametrize('change, words', [
    (dict(images=16), 'has 12 images in the data set, this run 16, .* 3 steps an epoch, .* 4'),
    (dict(batch=5), 'has 4 images a step of all processes, this run 5'),
])
def test_another_length_or_batch_is_refused_within_an_epoch(change, words):
    with pytest.raises(ValueError, match=words) as refused:
        check_position(meta(1, 4), loop(EpochBasedTrainLoop, **change))
    assert 'within epoch 2' in str(refused.value)


def test_between_epochs_iterations_are_counted_anew(caplog):
    given = meta(2, 6)
    check_position(given, loop(EpochBasedTrainLoop, batch=2))
    assert given['iter'] == 12
    assert '4 images a step of all processes, this run 2' in caplog.text
    foreign = {'epoch': 2, 'iter': 10}  # five steps an epoch, as far as it can be told
    check_position(foreign, loop(EpochBasedTrainLoop))
    assert foreign['iter'] == 6


def test_a_foreign_checkpoint_that_fits_nowhere_is_refused():
    with pytest.raises(ValueError, match='after 11 iterations, within epoch 3: an epoch has 3'):
        check_position({'epoch': 2, 'iter': 11}, loop(EpochBasedTrainLoop))


def test_changed_data_may_be_allowed():
    given = meta(1, 4)
    check_position(given, loop(EpochBasedTrainLoop, images=20), allow_changed=True)
    assert given['iter'] == 5  # the second epoch anew
    given = meta(0, 7, IterBasedTrainLoop)
    check_position(given, loop(IterBasedTrainLoop, images=20), allow_changed=True)
    assert given['iter'] == 7


@pytest.mark.parametrize('change, words', [
    (dict(images=16), 'after 7 iterations: the checkpoint has 12 images in the data set, .* 16'),
    (dict(batch=2), 'has 4 images a step of all processes, this run 2'),
])
def test_iterations_need_the_same_data(change, words):
    check_position(meta(0, 7, IterBasedTrainLoop), loop(IterBasedTrainLoop))
    with pytest.raises(ValueError, match=words):
        check_position(meta(0, 7, IterBasedTrainLoop), loop(IterBasedTrainLoop, **change))


def test_other_processes_may_share_the_same_batch(monkeypatch):
    """Eight at a time on one process, four on each of two: the same images, step by step."""
    before = meta(0, 7, IterBasedTrainLoop, batch=8)
    monkeypatch.setattr(position, 'get_world_size', lambda: 2)
    check_position(before, loop(IterBasedTrainLoop, batch=4))

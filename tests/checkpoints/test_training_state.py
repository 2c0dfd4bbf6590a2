"""Training checkpoints read as data: everything is there, nothing of the file is executed."""

import pickle
import sys
from datetime import date

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from toy_runs import train_toy

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.checkpoints.training_state import load_training_state


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A checkpoint of a training; to read only."""
    folder = tmp_path_factory.mktemp('run')
    train_toy(folder, epochs=1, scores=[np.float32(0.1)], checkpoint=dict(save_best='score',
                                                                          rule='greater'))
    return folder / 'epoch_1.pth'


def changed(checkpoint, path, **parts):
    """Write a checkpoint with parts that are others."""
    torch.save(torch.load(checkpoint) | parts, path)  # our own file, with MMEngine's objects
    return path


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, HistoryBuffer):
        for one, other in zip(found.data, expected.data, strict=True):
            assert one.dtype == other.dtype and np.array_equal(one, other)
        assert found.max_length == expected.max_length
    elif isinstance(expected, torch.Tensor):
        assert found.equal(expected)
    else:
        assert found == expected


def test_it_holds_what_unpickling_gives(checkpoint):
    expected = torch.load(checkpoint)  # our own file: plain unpickling is the oracle
    best = expected['message_hub']['runtime_info']
    assert type(best['best_score']) is np.float32
    assert len(expected['message_hub']['log_scalars']['train/loss'].data[0]) == 4
    assert_same(load_training_state(checkpoint), expected)


def test_numpys_scalars_and_arrays_come_back(checkpoint, tmp_path):
    path = changed(checkpoint, tmp_path / 'a.pth', more=dict(
        scalar=np.float32(0.1), count=np.int64(2**60), flag=np.bool_(True), array=np.arange(6)))
    found = load_training_state(path)['more']
    assert found['scalar'] == np.float32(0.1) and found['count'] == 2**60
    assert found['flag']
    assert np.array_equal(found['array'], np.arange(6))


class Attack:
    def __reduce__(self):
        return exec, ('import sys; sys.attacked = True', )


@pytest.mark.parametrize('part', ['meta', 'message_hub', 'optimizer', 'param_schedulers'])
def test_nothing_is_executed(checkpoint, tmp_path, part):
    path = changed(checkpoint, tmp_path / 'a.pth', **{part: [Attack()]})
    with pytest.raises(CheckpointError, match='a.pth is refused'):
        load_training_state(path)
    assert not hasattr(sys, 'attacked')
    pickle.loads(pickle.dumps(Attack()))  # so the file does attack who unpickles it plainly
    assert sys.attacked
    del sys.attacked


def test_a_flipped_bit_of_a_weight_is_found(checkpoint, tmp_path):
    path = tmp_path / 'a.pth'
    content = bytearray(checkpoint.read_bytes())
    weights = torch.load(checkpoint)['state_dict']['layer.weight'].numpy().tobytes()
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r'a.pth .* is not a complete .*CRC'):
        load_training_state(path)


@pytest.mark.parametrize('part', ['message_hub', 'optimizer', 'param_schedulers'])
def test_what_a_training_needs_must_be_restorable(checkpoint, tmp_path, part):
    path = changed(checkpoint, tmp_path / 'a.pth', **{part: dict(day=date(2026, 1, 1))})
    with pytest.raises(CheckpointError, match=f'its {part} holds an object that cannot'):
        load_training_state(path)


def test_what_it_does_not_need_may_be_anything_known(checkpoint, tmp_path):
    path = changed(checkpoint, tmp_path / 'a.pth', meta=dict(epoch=1, day=date(2026, 1, 1)))
    assert load_training_state(path)['meta']['epoch'] == 1


@pytest.mark.parametrize('values, counts', [
    (np.zeros(3), np.zeros(2)), (np.zeros((2, 2)), np.zeros((2, 2)))])
def test_impossible_histories_are_refused(checkpoint, tmp_path, values, counts):
    buffer = HistoryBuffer()
    buffer.__setstate__(dict(_log_history=values, _count_history=counts, max_length=9))
    path = changed(checkpoint, tmp_path / 'a.pth', message_hub=dict(log_scalars=dict(loss=buffer)))
    with pytest.raises(CheckpointError, match='its message_hub is a history of shapes'):
        load_training_state(path)


def test_references_that_unfold_without_end_do_not_hang(checkpoint, tmp_path):
    """A list of twice a list of twice a list …: 2^60 leaves in a kilobyte."""
    nested = []
    for _ in range(60):
        nested = [nested, nested]
    path = changed(checkpoint, tmp_path / 'a.pth', message_hub=dict(log_scalars=nested))
    found = load_training_state(path)['message_hub']['log_scalars']
    assert found[0] is found[1]


def test_a_list_within_itself_is_an_error(checkpoint, tmp_path):
    nested = []
    nested.append(nested)
    with pytest.raises(CheckpointError, match='a.pth cannot be resumed'):
        load_training_state(changed(checkpoint, tmp_path / 'a.pth', message_hub=nested))

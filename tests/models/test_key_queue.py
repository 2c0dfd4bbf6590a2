import pytest
import torch

from infomin_plugin.models import KeyQueue


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)


def test_starts_with_unit_vectors_in_all_directions():
    torch.manual_seed(0)
    queue = KeyQueue(length=4000, channels=16)
    torch.testing.assert_close(queue.keys.norm(dim=1), torch.ones(4000))
    # the mean of n random unit vectors has length about 1 / sqrt(n)
    assert queue.keys.mean(dim=0).norm() < 3 / 4000 ** 0.5


def test_wraps_around_where_the_batch_does_not_divide_the_length():
    queue = KeyQueue(length=5, channels=2)
    queue.enqueue(rows([1, 1], [2, 2], [3, 3]))
    queue.enqueue(rows([4, 4], [5, 5], [6, 6]))
    assert queue.keys.tolist() == [[6, 6], [2, 2], [3, 3], [4, 4], [5, 5]]
    queue.enqueue(rows([7, 7]))
    assert queue.keys.tolist() == [[6, 6], [7, 7], [3, 3], [4, 4], [5, 5]]
    assert queue.position.item() == 2


def test_a_batch_as_long_as_the_queue_replaces_it():
    queue = KeyQueue(length=3, channels=1)
    queue.enqueue(rows([1]))
    queue.enqueue(rows([2], [3], [4]))
    assert sorted(queue.keys.flatten().tolist()) == [2, 3, 4]


def test_negatives_are_no_copy_and_change_after_the_step_only():
    queue = KeyQueue(length=3, channels=1)
    before = queue.keys.clone()
    assert queue.negatives().data_ptr() == queue.keys.data_ptr()
    queue.hold(rows([2]))
    queue.hold(rows([3]))
    assert torch.equal(queue.negatives(), before)
    queue.commit()
    assert queue.keys[:2].tolist() == [[2], [3]] and torch.equal(queue.keys[2:], before[2:])
    queue.commit()  # nothing is held any more
    assert queue.position.item() == 2


def test_a_change_between_forward_and_backward_is_noticed():
    queue = KeyQueue(length=3, channels=1)
    weight = torch.ones(1, 1, requires_grad=True)
    loss = (weight @ queue.negatives().t()).sum()
    queue.enqueue(rows([2]))
    with pytest.raises(RuntimeError, match='modified by an inplace operation'):
        loss.backward()


def test_a_step_that_nobody_reports_is_noticed():
    queue = KeyQueue(length=3, channels=1)
    queue.hold(rows([2], [3]))
    with pytest.raises(RuntimeError, match=r'4 keys wait .*after_optimizer_step\(\)'):
        queue.hold(rows([4], [5]))


def test_refuses_a_batch_longer_than_itself():
    queue = KeyQueue(length=2, channels=1)
    with pytest.raises(ValueError, match='queue of length 2 is smaller than the batch of 3'):
        queue.enqueue(rows([1], [2], [3]))


def test_refuses_keys_of_another_size():
    with pytest.raises(ValueError, match='keys of 4 channels'):
        KeyQueue(length=2, channels=4).enqueue(torch.zeros(1, 3))


@pytest.mark.parametrize('arguments', [dict(length=0, channels=1), dict(length=1, channels=0)])
def test_refuses_an_empty_queue(arguments):
    with pytest.raises(ValueError, match='length >= 1 and channels >= 1'):
        KeyQueue(**arguments)


def test_a_checkpoint_restores_keys_and_position():
    queue = KeyQueue(length=4, channels=3)
    queue.enqueue(torch.ones(3, 3))
    other = KeyQueue(length=4, channels=3)
    other.load_state_dict(queue.state_dict())
    assert torch.equal(other.keys, queue.keys)
    assert other.position.item() == 3

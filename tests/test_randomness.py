"""Streams of random numbers are told by their keys alone."""

import random

import numpy as np
import pytest
import torch

from infomin_plugin.randomness import Purpose, generators_kept, seed_all, seed_host, seeded


def draws():
    return random.random(), np.random.rand(), torch.rand(()).item()


def states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


@pytest.mark.parametrize('seed', [seed_all, seed_host])
def test_a_key_tells_all_numbers_whatever_was_drawn_before(seed):
    found = []
    for before in range(3):
        for _ in range(before):
            draws()
        seed(Purpose.STEP, 0, 5)
        found.append(draws())
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 3


def test_neighbouring_keys_have_nothing_in_common():
    """First draws of 2000 keys: uniform, uncorrelated between neighbours, and no two the same."""
    keys = [(purpose, seed, step) for purpose in (1, 2) for seed in (0, 1) for step in range(500)]
    first = []
    for key in keys:
        seed_host(*key)
        first.append(draws())
    first = np.array(first)
    for numbers in first.T:
        assert len(set(numbers)) == len(keys)
        # deviations of a mean of uniform numbers, and of a correlation: 4 sigma
        assert abs(numbers.mean() - 0.5) < 4 * (1 / 12 / len(keys)) ** 0.5
        assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 4 / len(keys) ** 0.5
    assert abs(np.corrcoef(first.T)[np.triu_indices(3, 1)]).max() < 4 / len(keys) ** 0.5


def test_a_longer_key_is_another_one():
    found = set()
    for key in [(1, ), (1, 0), (1, 0, 0), (0, 1), (1, 0, 0, 0, 0, 0)]:
        seed_host(*key)
        found.add(draws())
    assert len(found) == 5


def test_generators_are_put_back():
    before = states()
    with seeded(1, 2):
        inside = draws()
    assert states() == before
    with pytest.raises(KeyError), generators_kept():
        draws()
        raise KeyError
    assert states() == before
    seed_host(1, 2)
    assert draws() == inside


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError):
        seed_all(1, -1)

"""The memory bank: its update and its draws."""

import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from infomin_plugin.models import KeyBank


def test_starts_with_unit_vectors():
    torch.manual_seed(0)
    keys = KeyBank(2000, 16).keys
    torch.testing.assert_close(keys.norm(dim=1), torch.ones(2000))
    assert keys.mean(dim=0).abs().max() < 0.03


def test_update_is_a_normalised_moving_average():
    torch.manual_seed(0)
    bank = KeyBank(5, 3, momentum=0.75)
    before, indices = bank.keys.clone(), torch.tensor([3, 1])
    new = F.normalize(torch.randn(2, 3), dim=1)
    bank.update(indices, new)
    for i, embedding in zip(indices.tolist(), new, strict=True):
        mixed = 0.75 * before[i] + 0.25 * embedding
        torch.testing.assert_close(bank.keys[i], mixed / mixed.norm())
    for i in (0, 2, 4):
        assert torch.equal(bank.keys[i], before[i])
    assert not bank.own(indices).requires_grad


def test_own_keys_and_negatives_are_copies():
    bank = KeyBank(4, 2, num_negatives=7)
    own, negatives = bank.own(torch.tensor([2])), bank.negatives()
    kept = own.clone(), negatives.clone()
    bank.update(torch.arange(4), F.normalize(torch.randn(4, 2), dim=1))
    assert torch.equal(own, kept[0]) and torch.equal(negatives, kept[1])


def test_embeddings_are_held_until_the_step():
    torch.manual_seed(0)
    held, whole = KeyBank(5, 3), KeyBank(5, 3)
    whole.load_state_dict(held.state_dict())
    new = F.normalize(torch.randn(3, 3), dim=1)
    before = held.keys.clone()
    held.hold(torch.tensor([3, 1]), new[:2])
    held.hold(torch.tensor([0]), new[2:])
    assert torch.equal(held.keys, before)
    held.commit()
    whole.update(torch.tensor([3, 1, 0]), new)
    assert torch.equal(held.keys, whole.keys)


def test_negatives_are_drawn_uniformly_with_replacement():
    torch.manual_seed(0)
    bank = KeyBank(10, 1, num_negatives=5000)
    bank.keys.copy_(torch.arange(10.)[:, None])
    drawn = bank.negatives()[:, 0].long()
    assert len(drawn) == 5000
    assert stats.chisquare(drawn.bincount(minlength=10)).pvalue > 1e-3
    assert not torch.equal(drawn, bank.negatives()[:, 0].long())


def test_a_checkpoint_restores_the_keys():
    saved, restored = KeyBank(4, 2), KeyBank(4, 2)
    restored.load_state_dict(saved.state_dict())
    assert torch.equal(restored.keys, saved.keys)


@pytest.mark.parametrize('arguments, words', [
    (dict(length=0, channels=1), 'of at least 1, got 0, 1'),
    (dict(length=1, channels=1, num_negatives=0), 'of at least 1'),
    (dict(length=1, channels=1, momentum=1.5), r'momentum must lie in \[0, 1\], got 1.5'),
])
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        KeyBank(**arguments)


def test_more_images_than_keys_are_named():
    with pytest.raises(ValueError, match='KeyBank has 3 images, got index 3'):
        KeyBank(3, 2).own(torch.tensor([1, 3]))

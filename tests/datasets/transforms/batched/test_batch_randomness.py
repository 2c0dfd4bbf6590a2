"""A seed repeats a batch; batches, samples and processes never repeat each other."""

from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from scipy import stats

from infomin_plugin.datasets.transforms.batched import recipe as batched_recipe
from infomin_plugin.datasets.transforms.batched.recipe import BatchedRecipe

RECIPES = Path(__file__).parents[4] / 'configs' / '_base_' / 'recipes'
INFOMIN = Config.fromfile(RECIPES / 'infomin_aug.py').infomin_aug[2:]
JITTER = [dict(type='ColorJitter', brightness=0.8, hue=0.2)]
LEVEL = 1e-3


def noise(number=32):
    return torch.randint(256, (number, 3, 16, 20), dtype=torch.uint8,
                         generator=torch.Generator().manual_seed(0))


def test_a_seed_of_torch_repeats_batches_and_leaves_numpy_alone():
    recipe, before = BatchedRecipe(INFOMIN), np.random.get_state()[1].tolist()
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        runs.append([recipe(noise()), recipe(noise())])
    assert all(map(torch.equal, runs[0], runs[1]))
    assert not torch.equal(runs[0][0], runs[0][1])  # the next batch
    assert not torch.equal(runs[0][0], runs[2][0])  # another seed
    assert np.random.get_state()[1].tolist() == before


def test_ranks_and_samples_never_repeat_each_other(monkeypatch):
    recipe, batch, seen = BatchedRecipe(JITTER), noise(1), []
    for rank in range(3):
        monkeypatch.setattr(batched_recipe, 'get_rank', lambda rank=rank: rank)
        torch.manual_seed(7)  # all processes with the same seed, as without diff_rank_seed
        seen += [image.numpy().tobytes() for image in recipe(batch.repeat(40, 1, 1, 1))]
    assert len(set(seen)) == 3 * 40


def test_samples_of_a_batch_are_independent():
    torch.manual_seed(20)
    grey = torch.full((64, 3, 1, 1), 140, dtype=torch.uint8)
    recipe = BatchedRecipe([dict(type='ColorJitter', brightness=0.8)])
    factors = np.stack([recipe(grey)[:, 0, 0, 0].numpy() for _ in range(60)])
    for first, second in ((factors[:, :-1], factors[:, 1:]), (factors[:-1], factors[1:])):
        assert stats.pearsonr(first.ravel(), second.ravel()).pvalue > LEVEL

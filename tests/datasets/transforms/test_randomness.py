"""Workers, ranks and epochs draw differently; a seed draws the same again, bit for bit."""

from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import default_collate, worker_init_fn
from torch.utils.data import DataLoader

from infomin_plugin.datasets.transforms import build_recipe

CONFIG = (Path(__file__).parents[3]
          / 'configs/pretrain/infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py')


class SamePhoto(torch.utils.data.Dataset):
    """One photograph many times over: what differs is the randomness."""

    def __init__(self, photo):
        self.photo = photo
        self.steps = build_recipe(Config.fromfile(CONFIG).train_dataloader.dataset.pipeline[1:])

    def __len__(self):
        return 6

    def __getitem__(self, index):
        sample = dict(img=self.photo, img_path=str(index))
        for step in self.steps:
            sample = step(sample)
        return sample


def draw(photo, seed, rank=0, workers=2, epochs=2):
    """Every view and set of patches of some epochs, as MMEngine's Runner loads them."""
    loader = DataLoader(
        SamePhoto(photo), batch_size=2, num_workers=workers, persistent_workers=True,
        collate_fn=default_collate, worker_init_fn=partial(
            worker_init_fn, num_workers=workers, rank=rank, seed=seed))
    batches = [batch['inputs'] for _ in range(epochs) for batch in loader]
    return [image.numpy().tobytes() for inputs in batches
            for images in (*inputs['views'], *inputs['patches']) for image in images]


@pytest.mark.parametrize('workers', [1, 2])
def test_a_seed_repeats_a_run_bit_for_bit(photo, workers):
    assert draw(photo, 7, workers=workers) == draw(photo, 7, workers=workers)


def test_workers_ranks_and_epochs_never_repeat_each_other(photo):
    images = [image for rank in range(3) for image in draw(photo, 7, rank)]
    assert len(images) == 3 * 2 * 6 * 3
    assert len(set(images)) == len(images)


def test_a_repetition_would_be_seen(photo):
    # Two ranks of the same seed, as without the rank in the worker's.
    images = draw(photo, 7, rank=0) + draw(photo, 7, rank=0)
    assert len(set(images)) == len(images) // 2

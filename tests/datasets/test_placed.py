"""Samples of a training are those of their places: any start, any number of workers, processes."""

import random

import numpy as np
import pytest
import torch
from mmdet.datasets.samplers import AspectRatioBatchSampler, MultiSourceSampler
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, Dataset, IterableDataset

from infomin_plugin.datasets import placed
from infomin_plugin.datasets.placed import PlacedLoader

IMAGES, BATCH = 13, 4


class Noisy(Dataset):
    """Gives a sample's index and what each generator draws for it; remembers what was asked for."""

    def __init__(self, length=IMAGES):
        self.length = length
        self.asked = []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.asked.append(index)
        return dict(index=index, drawn=torch.tensor(
            [random.random(), np.random.rand(), torch.rand(()).item()], dtype=torch.float64))

    def get_data_info(self, index):
        return dict(width=2 + index % 3, height=3)


def loader(sampler=DefaultSampler, workers=0, drop_last=False, grouped=False, dataset=None, **more):
    dataset = dataset or Noisy()
    order = sampler(dataset, shuffle=True, seed=3)
    group = AspectRatioBatchSampler if grouped else BatchSampler
    return PlacedLoader(DataLoader(
        dataset, batch_sampler=group(order, BATCH, drop_last=drop_last), num_workers=workers,
        **more), 7)


def plain(batches):
    return [(batch['index'].tolist(), batch['drawn'].tolist()) for batch in batches]


def take(batches, count):
    return plain(next(batches) for _ in range(count))


@pytest.mark.parametrize('grouped', [False, True])
@pytest.mark.parametrize('drop_last', [False, True])
def test_a_pass_has_the_order_of_the_sampler_and_begins_anywhere(grouped, drop_last):
    made = loader(drop_last=drop_last, grouped=grouped)
    made.sampler.set_epoch(2) if hasattr(made.sampler, 'set_epoch') else None
    made.batch_sampler.sampler.set_epoch(2)
    whole = plain(made)
    assert [indices for indices, _ in whole] == list(made.batch_sampler)
    assert len(whole) == len(made) == (3 if drop_last else 4)
    numbers = [number for _, drawn in whole for row in drawn for number in row]
    assert len(set(numbers)) == len(numbers)
    for batch in range(len(whole) + 1):
        made.dataset.asked.clear()
        made.start_at(batch, number=batch)
        assert plain(made) == whole[batch:]
        # the others were not made
        assert made.dataset.asked == [i for indices, _ in whole[batch:] for i in indices]
    assert plain(made) == whole  # the next one is whole again


def test_an_epoch_shows_every_image_once():
    indices = [i for batch, _ in plain(loader()) for i in batch]
    assert sorted(indices) == list(range(IMAGES))


def test_the_same_image_is_changed_otherwise_in_another_epoch():
    made = loader()
    first = plain(made)
    made.start_at(0, number=len(made))
    second = plain(made)
    assert [i for i, _ in first] == [i for i, _ in second]
    assert not {row[0] for _, rows in first for row in rows} & {
        row[0] for _, rows in second for row in rows}


@pytest.mark.parametrize('sampler', [DefaultSampler, InfiniteSampler])
def test_any_number_of_workers_gives_the_same(sampler):
    found = []
    for workers, more in ((0, {}), (1, {}), (2, dict(persistent_workers=True))):
        made = loader(sampler, workers, **more)
        found.append(take(made.endless(0), 6))
        found.append(take(made.endless(6), 2) if sampler is DefaultSampler else None)
    assert found[0] == found[2] == found[4]
    assert found[1] == found[3] == found[5]


@pytest.mark.parametrize('sampler', [DefaultSampler, InfiniteSampler])
@pytest.mark.parametrize('grouped', [False, True])
def test_batches_without_end_begin_anywhere(sampler, grouped):
    whole = take(loader(sampler, grouped=grouped).endless(0), 11)
    for number in (1, 4, 9):
        made = loader(sampler, grouped=grouped)
        assert take(made.endless(number), 11 - number) == whole[number:]
        assert len(made.dataset.asked) == sum(len(indices) for indices, _ in whole[number:])


def test_passes_of_a_finite_sampler_differ_in_their_order():
    batches = take(loader(drop_last=True).endless(0), 6)
    first, second = ([i for indices, _ in batches[n:n + 3] for i in indices] for n in (0, 3))
    assert first != second and len(set(first)) == len(set(second)) == 12


def test_several_sources_keep_their_ratio():
    def made():
        dataset = ConcatDataset([Noisy(5), Noisy(9)])
        order = MultiSourceSampler(dataset, 4, [1, 3], seed=0)
        return PlacedLoader(DataLoader(dataset, sampler=order, batch_size=4), 7)

    whole = take(made().endless(0), 8)
    assert take(made().endless(5), 3) == whole[5:]
    assert made().sampler.num_per_source == [1, 3]


def test_two_processes_share_the_batch_of_one(monkeypatch):
    """Sample n of the whole batch is the same, whichever process makes it."""
    import mmengine.dataset.sampler as samplers

    def of(rank, world, batch):
        for module in (placed, samplers):
            monkeypatch.setattr(module, 'get_dist_info', lambda: (rank, world))
        dataset = Noisy(12)
        order = DefaultSampler(dataset, seed=3)
        return plain(PlacedLoader(DataLoader(dataset, batch, sampler=order), 7))

    one, first, second = of(0, 1, 4), of(0, 2, 2), of(1, 2, 2)
    for (indices, drawn), mine, others in zip(one, first, second, strict=True):
        assert indices[::2] == mine[0] and indices[1::2] == others[0]
        assert drawn[::2] == mine[1] and drawn[1::2] == others[1]


def test_it_is_the_loader_that_it_is_made_of():
    stock = DataLoader(Noisy(), 4, drop_last=True, num_workers=0, sampler=DefaultSampler(Noisy()))
    made = PlacedLoader(stock, 7)
    for name in ('dataset', 'sampler', 'batch_sampler', 'batch_size', 'collate_fn', 'drop_last'):
        assert getattr(made, name) is getattr(stock, name)
    with pytest.raises(AttributeError):
        made.nothing  # noqa: B018


def test_a_collate_function_is_kept_and_the_process_draws_as_before():
    dataset = Noisy()
    made = PlacedLoader(DataLoader(
        dataset, 4, collate_fn=len, generator=torch.Generator()), 7)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.rand(), torch.rand(()).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert list(made) == [4, 4, 4, 1]
    assert (random.random(), np.random.rand(), torch.rand(()).item()) == expected


class Stream(IterableDataset):

    def __iter__(self):
        yield from range(3)


@pytest.mark.parametrize('stock', [
    lambda: DataLoader(Stream(), 2), lambda: DataLoader(Noisy(), batch_size=None)])
def test_what_has_no_places_is_refused(stock):
    with pytest.raises(TypeError, match='needs a data set that can be indexed'):
        PlacedLoader(stock(), 7)

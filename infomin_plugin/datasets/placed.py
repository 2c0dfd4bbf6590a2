"""A loader whose samples depend on their place in the training, not on who loads them."""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any, NamedTuple

from mmengine.dist import get_dist_info
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from infomin_plugin.randomness import seed_host, seeded


class Place(NamedTuple):
    """Where in a training a sample is used; what it is made from, and with which random numbers.

    Attributes:
        key: Of the random numbers: those of the loader, the number of the batch since the
            training's start, and the sample's place in the batch of all processes.
        index: Of the sample in the data set.
    """

    key: tuple[int, ...]
    index: Any


class PlacedLoader:
    """Batches of a loader whose random changes are those of their place in the training.

    Every sample is made with the generators of Python, NumPy and PyTorch (CPU) seeded from a key,
    the number of the batch since the training's start, and the sample's place in the batch of all
    processes. So a batch is the same

    - whatever came before it: a pass may begin at any batch, and the earlier ones are not made;
    - however many workers there are;
    - however many processes share the batch, where the sampler deals its images out in turn, as
      MMEngine's do.

    In other respects it is the loader that it is made of, whose attributes it has: its data set,
    sampler, batch sampler, collate function and workers. A loader without workers leaves the
    process's generators as they are.

    Args:
        loader (DataLoader): Of a map-style data set; it is not iterated itself.
        key (int): Numbers, not negative, that name the random numbers, such as the seed; the same
            on all processes. Others may be set until batches are made.

    Raises:
        TypeError: If the data set cannot be indexed, or the loader makes no batches.
    """

    def __init__(self, loader: DataLoader, *key: int) -> None:
        if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
            raise TypeError(
                f'{type(loader.dataset).__name__}: training needs a data set that can be indexed, '
                'and a batch_size or a batch_sampler, to begin where an earlier run stopped')
        self.loader = loader
        self.key = key
        self._batches = _PlacedBatches(loader.batch_sampler)
        self._placed = DataLoader(
            _PlacedDataset(loader.dataset),
            batch_sampler=self._batches,
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            timeout=loader.timeout,
            worker_init_fn=loader.worker_init_fn,
            multiprocessing_context=loader.multiprocessing_context,
            generator=loader.generator,
            prefetch_factor=loader.prefetch_factor,
            persistent_workers=loader.persistent_workers,
            pin_memory_device=loader.pin_memory_device)
        self._next = 0, 0

    def __getattr__(self, name: str) -> Any:
        """Whatever else a loader has."""
        if name == 'loader':  # not there yet
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __len__(self) -> int:
        """Batches a pass."""
        return len(self.loader)

    def start_at(self, batch: int, number: int) -> None:
        """Let the next pass begin later, that one alone.

        Args:
            batch (int): The pass's first batch that is made, from 0.
            number (int): Of this batch since the training's start.
        """
        self._next = batch, number

    def __iter__(self) -> Iterator[Any]:
        """Make one pass, in the order of the sampler."""
        (batch, number), self._next = self._next, (0, 0)
        return self._made(self._batches.sampler_batches(), batch, number)

    def endless(self, number: int) -> Iterator[Any]:
        """Make batches without end, from one pass of the sampler to the next.

        Args:
            number (int): Of the first batch that is made; those before it are counted off.
        """
        return self._made(self._batches.passes(), number, number)

    def _made(self, batches: Iterable[list], first: int, number: int) -> Iterator[Any]:
        # a generator: workers start, and indices are drawn, when the first batch is asked for
        self._batches.planned = self.key, number, islice(batches, first, None)
        yield from self._placed


class _PlacedBatches:
    """Gives a batch sampler's batches their places."""

    def __init__(self, batch_sampler: Iterable[list]) -> None:
        self.batch_sampler = batch_sampler
        self.rank, self.world_size = get_dist_info()
        self.planned: tuple[tuple[int, ...], int, Iterator[list]] = (), 0, iter(())

    def __iter__(self) -> Iterator[list[Place]]:
        key, first, batches = self.planned
        for number, batch in enumerate(batches, first):
            yield [Place((*key, number, slot * self.world_size + self.rank), index)
                   for slot, index in enumerate(batch)]

    def sampler_batches(self) -> Iterator[list]:
        yield from self.batch_sampler

    def passes(self) -> Iterator[list]:
        sampler = getattr(self.batch_sampler, 'sampler', None)
        for epoch in count():
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(epoch)
            empty = True
            for batch in self.batch_sampler:
                empty = False
                yield batch
            if empty:
                return


class _PlacedDataset(Dataset):
    """Makes samples, each with the random numbers of its place."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: Place) -> Any:
        if get_worker_info() is None:
            with seeded(*place.key):
                return self.dataset[place.index]
        seed_host(*place.key)  # nothing else draws in a worker
        return self.dataset[place.index]

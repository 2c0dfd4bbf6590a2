"""Clocks: what is compared takes turns, so that a machine that slows down slows all."""

import math
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from mmengine.dataset import default_collate, worker_init_fn
from torch.utils.data import DataLoader, Dataset

# Images that every pipeline sees before the clock starts.
_WARM_UP = 3


class Turn(NamedTuple):
    """Milliseconds an image: by the clock, and of the processor's time."""

    ms: float
    cpu_ms: float


def seed_all(seed: int) -> None:
    """Seed every generator that a pipeline may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def time_peers(pipelines: dict[str, Callable], files: Sequence[str], repeats: int,
               seed: int) -> dict[str, list[Turn]]:
    """Time pipelines over the same files, in this process.

    Args:
        pipelines: From a path to a sample, by name.
        files: Paths; all of them are read once before the clock starts.
        repeats: Turns.
        seed: Of the first turn; each has its own, the same for all pipelines.
    """
    turns = {name: [] for name in pipelines}
    for i, pipeline in enumerate(pipelines.values()):
        for path in files[:_WARM_UP] if i else files:
            pipeline(path)
    for repeat in range(repeats):
        for name, pipeline in pipelines.items():
            seed_all(seed + repeat)
            start, cpu_start = time.perf_counter(), time.process_time()
            for path in files:
                pipeline(path)
            spent = time.perf_counter() - start, time.process_time() - cpu_start
            turns[name].append(Turn(*(1e3 * seconds / len(files) for seconds in spent)))
    return turns


class Files(Dataset):
    """So many samples from some files, which are taken again when they are used up."""

    def __init__(self, pipeline: Callable, files: Sequence[str], number: int) -> None:
        self.pipeline, self.files, self.number = pipeline, files, number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> dict:
        return self.pipeline(self.files[index % len(self.files)])


def time_loaders(pipelines: dict[str, Callable], turns: dict[str, list[Turn]],
                 files: Sequence[str], workers: Sequence[int], batch_size: int, seconds: float,
                 repeats: int, seed: int) -> dict[str, dict[int, list[float]]]:
    """Count the images a second through torch's loaders, as MMEngine sets them up.

    Args:
        pipelines: As for :func:`time_peers`.
        turns: Its result: a slow pipeline gets fewer images, so that all take about as long.
        files: Paths.
        workers: Numbers of workers; each has a loader, and the same number of batches in it.
        batch_size: Images in a batch.
        seconds: About so long a turn of one worker takes.
        repeats: Turns. One more comes before them, in which the workers start.
        seed: Of the workers.

    Returns:
        dict: Images a second of each turn, by name and number of workers.
    """
    loaders = {}
    for name, pipeline in pipelines.items():
        # As many batches for each worker: no one waits for another's last.
        share = math.lcm(*workers)
        batch_seconds = median(turn.ms for turn in turns[name]) / 1e3 * batch_size
        batches = share * max(1, round(seconds / batch_seconds / share))
        for number in workers:
            loaders[name, number] = DataLoader(
                Files(pipeline, files, batches * batch_size), batch_size=batch_size,
                num_workers=number, persistent_workers=True, collate_fn=default_collate,
                multiprocessing_context='fork', worker_init_fn=partial(
                    worker_init_fn, num_workers=number, rank=0, seed=seed))
    rates = {name: {number: [] for number in workers} for name in pipelines}
    for repeat in range(repeats + 1):
        for (name, number), loader in loaders.items():
            start = time.perf_counter()
            for _ in loader:
                pass
            if repeat:
                rates[name][number].append(len(loader.dataset) / (time.perf_counter() - start))
    return rates

"""Random numbers that depend on where a training is, and on nothing that came before.

A key such as (seed, purpose, iteration) names a stream of random numbers. Whoever seeds by the key
of what comes next need not know what was drawn until then: a resumed run draws what the
undisturbed one did, and no state of a generator has to be stored.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What draws; streams of different purposes have nothing in common."""

    SAMPLE = 1
    STEP = 2
    VALIDATION = 3
    PRECISE_BN = 4


def seed_all(*key: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch, on all devices.

    Args:
        *key (int): Names the stream; not negative.

    Raises:
        ValueError: If a number is negative.
    """
    torch.manual_seed(_seed_host(key))


@contextmanager
def seeded(*key: int, devices: bool = False) -> Iterator[None]:
    """Seed Python's, NumPy's and PyTorch's generators, and put them back as they were in the end.

    Args:
        *key (int): Names the stream; not negative.
        devices (bool): Whether the current GPU's generator is seeded and put back, too. Defaults to
            False: that of the CPU alone.

    Raises:
        ValueError: If a number is negative.
    """
    with generators_kept(devices):
        seed_host(*key)
        if devices and torch.cuda.is_available():
            torch.cuda.manual_seed(torch.initial_seed())
        yield


@contextmanager
def generators_kept(devices: bool = False) -> Iterator[None]:
    """Put Python's, NumPy's and PyTorch's generators back as they were in the end.

    Args:
        devices (bool): Whether the current GPU's is among them. Defaults to False.
    """
    python, numpy = random.getstate(), np.random.get_state()
    gpus = [torch.cuda.current_device()] if devices and torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices=gpus):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def seed_host(*key: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch on the CPU, no others.

    Args:
        *key (int): Names the stream; not negative.

    Raises:
        ValueError: If a number is negative.
    """
    torch.default_generator.manual_seed(_seed_host(key))


def _seed_host(key: tuple[int, ...]) -> int:
    """Seed Python and NumPy; return what PyTorch is to be seeded with."""
    # with its length: a SeedSequence takes a short key for a longer one that ends in zeros
    words = np.random.SeedSequence((len(key), *key)).generate_state(8)  # uint32
    random.seed(int.from_bytes(words[:2].tobytes(), 'little'))
    np.random.seed(words[2:6])
    return int.from_bytes(words[6:].tobytes(), 'little') >> 1  # below 2^63

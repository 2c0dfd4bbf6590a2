"""Names of samples, for messages and to tell one data set from another."""

from collections.abc import Sequence
from typing import Any


def batch_names(batch: Any, dataset: Any) -> list[str]:
    """Name the samples of a batch.

    Args:
        batch: As a data loader gives it: a dict with ``img_path``, with ``data_samples`` that have
            one, or with ``sample_idx``, positions in the data set.
        dataset: That the batch is of.

    Returns:
        list[str]: File names, or positions where there are none; empty if the batch tells nothing.
    """
    if not isinstance(batch, dict):
        return []
    if 'img_path' in batch:
        return list(map(str, batch['img_path']))
    samples = batch.get('data_samples')
    if isinstance(samples, Sequence):
        return [str(sample.get('img_path', 'unknown')) for sample in samples]
    if 'sample_idx' in batch:
        indices = map(int, batch['sample_idx'])
        return [sample_name(dataset, index) or f'sample {index}' for index in indices]
    return []


def sample_name(dataset: Any, index: int) -> str | None:
    """Name a sample of a data set by its image file; None if the set has no such files.

    Args:
        dataset: One of MMEngine's, or a wrapper of one.
        index (int): Position in it.
    """
    if not hasattr(dataset, 'get_data_info'):
        return None
    path = dataset.get_data_info(index).get('img_path')
    return None if path is None else str(path)


def spread(length: int, most: int) -> range:
    """Positions in a data set of ``length``, ``most`` at the most, spread over all of it."""
    return range(0, length, max(1, -(-length // most)))

"""Features of a frozen trunk, computed once and kept in a folder of plain numpy files."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch
from torch.utils.data import Dataset

from infomin_plugin.registry import DATASETS

FEATURES, LABELS = 'features.npy', 'labels.npy'
NAMES, DESCRIPTION = 'names.json', 'description.json'


@DATASETS.register_module()
class CachedFeatures(Dataset):
    """Features that ``tools/analysis/cache_features.py`` has written, in place of images.

    A sample is ``dict(inputs=F features, float32, gt_label=int)``. The file is memory-mapped:
    workers and epochs share what the system keeps of it.

    Args:
        data_root (str): Folder of one split: features.npy (N×F, float32), labels.npy (N, int64),
            names.json (N file names), description.json.
        metainfo (dict, optional): ``classes`` that the cache must have. Defaults to None.

    Attributes:
        metainfo (dict): What description.json says: ``classes``, ``trunk`` (its fingerprint),
            ``initialisation`` (where its weights came from), ``pipeline``, ``data_root`` …

    Raises:
        FileNotFoundError: If the folder or one of its files is missing.
        ValueError: If it has other classes, or its files do not belong together.
    """

    def __init__(self, data_root: str, metainfo: dict | None = None) -> None:
        self.folder = Path(data_root)
        self.metainfo = read_description(self.folder)
        wanted = tuple((metainfo or {}).get('classes', self.metainfo['classes']))
        if self.metainfo['classes'] != wanted:
            raise ValueError(f'{self.folder} has {_differing(self.metainfo["classes"], wanted)}: '
                             'the splits of a cache need the same classes')
        self.features = _mapped(self.folder / FEATURES, np.float32)
        self.labels = _mapped(self.folder / LABELS, np.int64)
        if self.features.ndim != 2 or self.labels.shape != (len(self.features), ):
            raise ValueError(f'{self.folder}: {FEATURES} is {self.features.shape}, {LABELS} is '
                             f'{self.labels.shape}: they must be N×F and N')
        if len(self.labels) and not (
                0 <= self.labels.min() and self.labels.max() < len(self.metainfo['classes'])):
            raise ValueError(f'{self.folder / LABELS} has labels outside the '
                             f'{len(self.metainfo["classes"])} classes')

    def __len__(self) -> int:
        """Count the images."""
        return len(self.labels)

    def __getitem__(self, index: int) -> dict:
        """Read one row."""
        # a copy: torch would warn of memory that must not be written
        return dict(inputs=torch.from_numpy(self.features[index].copy()),
                    gt_label=int(self.labels[index]))


def read_description(folder: Path) -> dict:
    """Read what a split of a cache says of itself.

    Args:
        folder (Path): Of one split.

    Returns:
        dict: See :class:`CachedFeatures`; ``classes`` is a tuple.

    Raises:
        FileNotFoundError: If it is no such folder, or a file is missing.
        ValueError: If the description is broken.
    """
    missing = [name for name in (FEATURES, LABELS, DESCRIPTION) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f'{folder} has no {", ".join(missing)}: make it with '
                                'tools/analysis/cache_features.py, or set it by --cfg-options '
                                'data_root=DIR')
    try:
        description = json.loads((folder / DESCRIPTION).read_text())
        return {**description, 'classes': tuple(description['classes'])}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f'{folder / DESCRIPTION} does not describe a cache: {error!r}') from None


def write_features(folder: Path, batches: Iterable[tuple[np.ndarray, np.ndarray, list[str]]],
                   description: dict) -> None:
    """Write a split, which appears under its name only when it is complete.

    Args:
        folder (Path): To make; must not be there.
        batches (Iterable): Features (n×F, float32), labels (n) and names of images; written as
            they come, so that they need not fit into memory.
        description (dict): With ``classes`` and ``images``, the number of all.

    Raises:
        OSError: If it cannot be written, or the folder is there.
        ValueError: If there are more or fewer images.
    """
    aside = folder.with_name(f'.{folder.name}.{uuid4().hex}')
    aside.mkdir(parents=True)
    try:
        total, features, labels, names = description['images'], None, [], []
        for block, block_labels, block_names in batches:
            if features is None:
                features = np.lib.format.open_memmap(
                    aside / FEATURES, 'w+', np.float32, (total, block.shape[1]))
            start = len(names)
            names += block_names
            labels += block_labels.tolist()
            if len(names) <= total:
                features[start:len(names)] = block
        if len(names) != total:
            raise ValueError(f'{folder}: {total} images were to come, {len(names)} came')
        features.flush()
        np.save(aside / LABELS, np.array(labels, np.int64))
        (aside / NAMES).write_text(json.dumps(names))
        (aside / DESCRIPTION).write_text(json.dumps(description, indent=1))
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _mapped(path: Path, dtype: type) -> np.ndarray:
    """Map a file's array into memory: nothing is unpickled, nor taken that the file has not."""
    try:
        array = np.lib.format.open_memmap(path, 'r')
    except ValueError as error:
        raise ValueError(f'{path} is no array of numpy: {error}') from None
    if array.dtype != dtype:
        raise ValueError(f'{path} is of type {array.dtype} instead of {dtype.__name__}')
    return array


def _differing(found: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    lacks, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    parts = [f'{word} {", ".join(names[:4])}{" …" if len(names) > 4 else ""}'
             for word, names in (('no class', lacks), ('the further class', more)) if names]
    return ' and '.join(parts) or 'the classes in another order'

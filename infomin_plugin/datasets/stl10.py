"""STL-10, from the binary files that its authors distribute (Coates, Lee & Ng 2011)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset

from infomin_plugin.registry import DATASETS

from .image_folder import UNLABELLED
from .transforms import build_recipe
from .transforms.checks import one_of

SIDE = 96
BYTES_AN_IMAGE = 3 * SIDE * SIDE
# split -> (images, labels) of each part; ``unlabeled`` is the files' spelling
_PARTS = {
    'train': [('train_X.bin', 'train_y.bin')],
    'test': [('test_X.bin', 'test_y.bin')],
    'unlabeled': [('unlabeled_X.bin', None)],
}
_PARTS['train+unlabeled'] = _PARTS['train'] + _PARTS['unlabeled']
# what the published files hold, for the errors
_PUBLISHED = {'train_X.bin': 5000, 'test_X.bin': 8000, 'unlabeled_X.bin': 100000}
_FOLDS = 10


@DATASETS.register_module()
class STL10(BaseDataset):
    """Images of 96×96 pixels in ten classes: 5,000 and 8,000 labelled, 100,000 unlabelled.

    Reads the published ``stl10_binary`` folder as it is: ``{train,test,unlabeled}_X.bin``, one
    byte a value, 3×96×96 an image with each channel column by column, ``{train,test}_y.bin``,
    labels 1…10 of a byte, ``class_names.txt`` and ``fold_indices.txt``. Images are mapped into
    memory and read when they are asked for, by each worker for itself.

    A sample is ``dict(img=(96, 96, 3) uint8 RGB, read-only; gt_label=int, 0…9, or -1 where there
    is none; sample_idx=int)``: pipelines need no ``LoadImage``. ``metainfo['classes']`` has the
    names.

    Args:
        data_root: The folder of the files.
        split: 'train', 'test', 'unlabeled' or 'train+unlabeled', labelled images first.
        fold: 0…9 for the 1,000 training images of one of the ten published folds; None for all.
        pipeline: Transforms; bare names are ours, whatever the default scope is.
        **kwargs: Of MMEngine's ``BaseDataset``: indices, test_mode, ...

    Raises:
        ValueError: If an argument is out of range, or a file has not the size that its images or
            labels need; the message names the file, what was found and what is right.
        FileNotFoundError: If a file is missing.
    """

    def __init__(self, data_root: str = '', split: str = 'train', fold: int | None = None,
                 pipeline: Sequence[dict | Callable] = (), **kwargs) -> None:
        if not data_root:
            raise ValueError('data_root is not set: give the folder of the STL-10 files, '
                             'stl10_binary (--cfg-options data_root=DIR)')
        self.split = one_of('split', split, _PARTS)
        if fold is not None and fold not in range(_FOLDS):
            raise ValueError(f'fold must be 0…{_FOLDS - 1} or None, got {fold!r}')
        if fold is not None and split != 'train':
            raise ValueError(f"fold is for split='train' only, got split={split!r}")
        self.fold = fold
        self._maps: dict[str, np.ndarray] = {}
        super().__init__(data_root=data_root, pipeline=build_recipe(pipeline), **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the images as ``dict(file, index, gt_label)`` after a check of all sizes."""
        classes = self._text('class_names.txt').split()
        self._metainfo.setdefault('classes', tuple(classes))
        data_list = []
        for images, labels in _PARTS[self.split]:
            count = self._count(images)
            numbers = ([UNLABELLED] * count if labels is None else
                       self._labels(labels, count, images, len(classes)))
            data_list += [dict(file=images, index=index, gt_label=label)
                          for index, label in enumerate(numbers)]
        if self.fold is None:
            return data_list
        return [data_list[index] for index in self._fold_indices(len(data_list))]

    def get_data_info(self, idx: int) -> dict:
        """Read one image: ``dict(img, gt_label, sample_idx)``."""
        info = super().get_data_info(idx)
        file = info.pop('file')
        if file not in self._maps:
            # (number, channel, column, row)
            self._maps[file] = np.memmap(self._path(file), np.uint8, 'r').reshape(
                -1, 3, SIDE, SIDE)
        img = np.ascontiguousarray(self._maps[file][info.pop('index')].transpose(2, 1, 0))
        img.setflags(write=False)
        return dict(img=img, **info)

    def __getstate__(self) -> dict:
        """Leave the maps out: pickled, for a spawned worker, they would be all the images."""
        return {**self.__dict__, '_maps': {}}

    def _path(self, name: str) -> Path:
        path = Path(self.data_root, name)
        if not path.is_file():
            raise FileNotFoundError(f'data_root: {self.data_root} has no {name}: it must be the '
                                    'folder of the STL-10 files, stl10_binary '
                                    '(--cfg-options data_root=DIR)')
        return path

    def _read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def _text(self, name: str) -> str:
        try:
            return self._read(name).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f'{self._path(name)} is no text: {error}') from None

    def _count(self, name: str) -> int:
        path = self._path(name)
        size = path.stat().st_size
        if not size or size % BYTES_AN_IMAGE:
            raise ValueError(
                f'{path} has {size} bytes, which is no multiple of {BYTES_AN_IMAGE} (3×96×96, an '
                f'image); the published file has {_PUBLISHED[name] * BYTES_AN_IMAGE}')
        return size // BYTES_AN_IMAGE

    def _labels(self, name: str, count: int, images: str, num_classes: int) -> list[int]:
        labels = np.frombuffer(self._read(name), np.uint8)
        if len(labels) != count:
            raise ValueError(f'{self._path(name)} has {len(labels)} labels of a byte, but there '
                             f'are {count} images in {images}')
        if labels.min() < 1 or labels.max() > num_classes:
            raise ValueError(f'{self._path(name)} has labels {labels.min()}…{labels.max()}; they '
                             f'must be 1…{num_classes}, the lines of class_names.txt')
        return (labels.astype(int) - 1).tolist()

    def _fold_indices(self, count: int) -> list[int]:
        lines = self._text('fold_indices.txt').splitlines()
        if len(lines) != _FOLDS:
            raise ValueError(f'{self._path("fold_indices.txt")} has {len(lines)} lines, one for '
                             f'each of {_FOLDS} folds is needed')
        words = lines[self.fold].split()
        indices = [int(word) for word in words if word.isdecimal() and len(word) < 10]
        if not indices or len(indices) < len(words) or max(indices) >= count:
            raise ValueError(f'{self._path("fold_indices.txt")}: fold {self.fold} must hold '
                             f'indices 0…{count - 1} of the training images')
        return indices

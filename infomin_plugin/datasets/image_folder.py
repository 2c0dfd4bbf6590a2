"""A tree of images, without labels or with one folder a class."""

import logging
import os
from collections.abc import Callable, Sequence

import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from infomin_plugin.registry import DATASETS

from .transforms import ImageError, build_recipe
from .transforms.checks import number

EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.webp', '.tif', '.tiff', '.gif')

# The label of an image whose class is not known.
UNLABELLED = -1

# Folders that divide a set, as ImageNet's.
SPLITS = ('train', 'val', 'test')

# So many broken files are forgiven whatever the size of the set, if they are less than half of it.
_ALWAYS_FORGIVEN = 10


@DATASETS.register_module()
class ImageFolder(BaseDataset):
    """All images below a folder, at any depth, sorted by path.

    A sample is ``dict(img_path=str, gt_label=int)``. With ``with_labels`` the label is the index of
    the file's first-level folder in ``metainfo['classes']``; without it is -1, so that labelled and
    unlabelled sets go into one batch. Hidden files and folders are left out.

    A file that cannot be read in training is replaced by another, drawn at random, and named in
    one warning. With ``test_mode`` it is an error, since every image counts there.

    Args:
        data_root: The folder.
        data_prefix: ``dict(img_path=SUBFOLDER)`` to use a part of it.
        split: ``'train'``, ``'val'`` or ``'test'``: the part to use of a folder that is divided
            into at least two of these; one that is not divided is used as a whole.
        extensions: File name endings that are images, in any case.
        with_labels: Whether first-level folders are classes. ``metainfo=dict(classes=[...])``
            fixes their order; without it they are sorted.
        max_broken: Share of the set that may be unreadable. Up to 10 files are forgiven in small
            sets, too, unless they are half of the set.
        pipeline: Transforms; bare names are ours, whatever the default scope is.
        **kwargs: Of MMEngine's ``BaseDataset``: indices, test_mode, metainfo, ...

    Raises:
        ValueError: If data_root is not given, split is none of the three, or a class is not in
            ``metainfo['classes']``.
        FileNotFoundError: If the folder is missing or has no images, or is divided and lacks the
            split.
        ImageError: If an image is unreadable in test mode.
        RuntimeError: If more files than ``max_broken`` allows are unreadable.
    """

    def __init__(self, data_root: str = '', data_prefix: dict | None = None,
                 split: str | None = None, extensions: Sequence[str] = EXTENSIONS,
                 with_labels: bool = False, max_broken: float = 0.05,
                 pipeline: Sequence[dict | Callable] = (), **kwargs) -> None:
        if not data_root:
            raise ValueError('data_root is not set: give the folder of images '
                             '(--cfg-options data_root=DIR)')
        if split is not None and split not in SPLITS:
            raise ValueError(f'split must be one of {", ".join(SPLITS)}, or None, got {split!r}')
        if isinstance(extensions, str) or not extensions:
            raise ValueError(f'extensions must be a list such as [".jpg"], got {extensions!r}')
        self.split = split
        self.extensions = tuple(extension.lower() for extension in extensions)
        self.with_labels = with_labels
        self.max_broken = number('max_broken', max_broken, 0, 1)
        super().__init__(data_root=data_root, data_prefix=data_prefix or dict(img_path=''),
                         pipeline=build_recipe(pipeline), **kwargs)

    def full_init(self) -> None:
        """List the files, once."""
        if self._fully_initialized:
            return
        super().full_init()
        # In shared memory, so that workers, also those of later epochs, know what another has
        # met: one warning a file, and one count for the whole set.
        self._broken = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def load_data_list(self) -> list[dict]:
        """List the images as ``dict(img_path=str, gt_label=int)``."""
        folder = self.data_prefix['img_path']
        if not os.path.isdir(folder):
            raise FileNotFoundError(f'data_root: there is no folder {folder} '
                                    '(set it by --cfg-options data_root=DIR)')
        folder = self._part(folder)
        files = sorted(self._walk(folder))
        if not files:
            raise FileNotFoundError(f'data_root: {folder} has no images '
                                    f'({", ".join(self.extensions)}), at any depth')
        if self.with_labels:
            return self._labelled(folder, files)
        return [dict(img_path=os.path.join(folder, name), gt_label=UNLABELLED) for name in files]

    def _part(self, folder: str) -> str:
        """The part of a divided folder that ``split`` names, else the folder."""
        there = [name for name in SPLITS if os.path.isdir(os.path.join(folder, name))]
        if self.split is None or len(there) < 2:
            return folder
        if self.split not in there:
            raise FileNotFoundError(f'data_root: {folder} has {" and ".join(there)}, but no '
                                    f'{self.split}, which is to be used')
        part = os.path.join(folder, self.split)
        print_log(f'{folder} has {" and ".join(there)}: {part} is used', 'current')
        return part

    def _walk(self, folder: str) -> list[str]:
        """List the images below ``folder``, as paths relative to it."""
        found = []
        for parent, folders, names in os.walk(folder, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith('.')
                          and not self._leads_back(parent, name)]
            found += [os.path.relpath(os.path.join(parent, name), folder) for name in names
                      if name.lower().endswith(self.extensions) and not name.startswith('.')]
        return found

    @staticmethod
    def _leads_back(parent: str, name: str) -> bool:
        """Tell whether a folder is a link to one that it lies in, and would be walked forever."""
        path = os.path.join(parent, name)
        if not os.path.islink(path):
            return False
        return os.path.join(os.path.realpath(parent), '').startswith(
            os.path.join(os.path.realpath(path), ''))

    def _labelled(self, folder: str, files: list[str]) -> list[dict]:
        names = [name.split(os.sep)[0] if os.sep in name else None for name in files]
        if None in names:
            stray = files[names.index(None)]
            raise ValueError(f'with_labels: {os.path.join(folder, stray)} lies in no class folder')
        classes = self._metainfo.get('classes') or sorted(set(names))
        unknown = sorted(set(names) - set(classes))
        if unknown:
            raise ValueError(f'with_labels: folders {unknown} of {folder} are not in '
                             f"metainfo['classes'] = {list(classes)}")
        self._metainfo['classes'] = tuple(classes)
        label_of = {name: i for i, name in enumerate(classes)}
        return [dict(img_path=os.path.join(folder, file), gt_label=label_of[name])
                for file, name in zip(files, names, strict=True)]

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on one file; None if it is unreadable, outside test mode."""
        try:
            return super().prepare_data(idx)
        except ImageError as error:
            if self.test_mode:
                raise
            self._note_broken(idx, error)
            return None

    def _note_broken(self, idx: int, error: ImageError) -> None:
        if self._broken[idx]:
            return
        self._broken[idx] = True
        broken = int(self._broken.sum())
        half = (len(self) - 1) // 2
        allowed = max(int(self.max_broken * len(self)), min(_ALWAYS_FORGIVEN, half))
        if broken > allowed:
            raise RuntimeError(
                f'{broken} of {len(self)} images of {self.data_prefix["img_path"]} are unreadable, '
                f'max_broken = {self.max_broken:g} allows {allowed}; the last: {error}') from error
        print_log(f'{error}. Another image is taken in its place '
                  f'({broken} unreadable so far, {allowed} allowed)', 'current', logging.WARNING)

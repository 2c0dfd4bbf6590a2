"""A part of a labelled image folder: so many of each class, or those that a list names."""

import os
from collections.abc import Sequence

import numpy as np

from infomin_plugin.registry import DATASETS

from .image_folder import ImageFolder
from .transforms.checks import number


@DATASETS.register_module()
class LabelledShare(ImageFolder):
    """The labelled images of semi-supervised learning, out of one folder a class.

    Either a share of each class drawn at random, one image at least, or the images of a list. The
    classes and their indices are those of the whole folder.

    Args:
        data_root: The folder.
        share: Part of each class, above 0 and at most 1; None with ``ann_file``.
        seed: Of the draw: the same images on every machine that has the same files.
        ann_file: Text file with an image a line: ``class/file.jpg``, or ``file.jpg`` alone, maybe
            followed by a label, which is not used (the folder tells it). SimCLR's and mmselfsup's
            lists of 1% and 10% of ImageNet are of these forms. The extension may be absent. Taken
            as it is, not below ``data_root``.
        **kwargs: Of :class:`ImageFolder`.

    Raises:
        ValueError: If not exactly one of share and ann_file is given, a share is out of range, or
            the list is empty or names an image that is not there or that several folders have.
        FileNotFoundError: If there is no such list; see also :class:`ImageFolder`.
    """

    def __init__(self, data_root: str = '', share: float | None = None, seed: int = 0,
                 ann_file: str = '', with_labels: bool = True, **kwargs) -> None:
        if (share is None) == (not ann_file):
            raise ValueError('give either share, such as 0.01, or ann_file, a list of images; got '
                             f'share={share!r} and ann_file={ann_file!r}')
        if not with_labels:
            raise ValueError('with_labels must be True: the share is of labelled images')
        if share is not None and number('share', share, 0, 1) == 0:
            raise ValueError('share must be above 0')
        self.share, self.seed, self.list_file = share, seed, ann_file
        super().__init__(data_root=data_root, with_labels=True, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List the chosen images, sorted by path."""
        images = super().load_data_list()
        if self.list_file:
            return [images[index] for index in self._listed(images)]
        labels = np.array([image['gt_label'] for image in images])
        chosen = []
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            count = max(1, round(self.share * len(members)))
            # a generator a class: what is drawn of one does not depend on the others
            generator = np.random.default_rng((self.seed, int(label)))
            chosen += generator.choice(members, count, replace=False).tolist()
        return [images[index] for index in sorted(chosen)]

    def _listed(self, images: Sequence[dict]) -> list[int]:
        if not os.path.isfile(self.list_file):
            raise FileNotFoundError(f'ann_file: there is no list of images at {self.list_file}')
        places: dict[str, set[int]] = {}
        for index, image in enumerate(images):
            path = os.path.relpath(image['img_path'], self.data_prefix['img_path'])
            for name in (path, os.path.basename(path)):
                for key in (name, os.path.splitext(name)[0]):
                    places.setdefault(key, set()).add(index)
        try:
            with open(self.list_file, encoding='utf-8') as file:
                lines = [line.strip() for line in file if line.strip()]
        except UnicodeDecodeError as error:
            raise ValueError(f'ann_file: {self.list_file} is no list of images: {error}') from None
        chosen = set()
        for line in lines:
            found = places.get(line) or places.get(line.rsplit(maxsplit=1)[0], set())
            if len(found) != 1:
                problem = f'is not in {self.data_prefix["img_path"]}' if not found else (
                    f'is in {len(found)} folders: write class/file')
                raise ValueError(f'ann_file: {line!r} of {self.list_file} {problem}')
            chosen |= found
        if not chosen:
            raise ValueError(f'ann_file: {self.list_file} is empty')
        return sorted(chosen)

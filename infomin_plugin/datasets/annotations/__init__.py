"""Finds, reads and checks annotation sets in PASCAL VOC form and in COCO form.

Nothing is assumed about the folders around them: a set is found below a data root by its form.
Everything that would fail, or silently go wrong, in the middle of a training is looked at here.
"""

from collections.abc import Sequence
from pathlib import Path

from .base import AnnotationError, AnnotationSet
from .coco import read_coco
from .voc import read_voc

__all__ = ['TEST_SPLITS', 'TRAIN_SPLITS', 'TRAIN_SPLITS_BESIDE_VAL', 'AnnotationError',
           'AnnotationSet', 'read_set']

# What the two general words mean, the first that is there wins. Any other split is meant
# literally. `trainval` is not offered beside `val` as the test split, since it holds it.
TEST_SPLITS = ('test', 'test2017', 'val', 'val2017', 'valid', 'validation')
TRAIN_SPLITS = ('trainval', 'train', 'train2017')
TRAIN_SPLITS_BESIDE_VAL = ('train', 'train2017')

FORMS = {'voc': read_voc, 'coco': read_coco}


def read_set(data_root: str | Path, form: str, splits: Sequence[str]) -> AnnotationSet:
    """Find, read and check one split below a folder.

    Args:
        data_root (str | Path): The folder to look in.
        form (str): ``'voc'`` or ``'coco'``.
        splits (Sequence[str]): Names of the split to look for; the first one found is taken.

    Returns:
        AnnotationSet: The split.

    Raises:
        AnnotationError: If the folder or the set is not there, several sets fit equally well, a
            file cannot be read, there are no classes, no annotations or no images, or the parts
            do not fit together. The message names the file.
    """
    if form not in FORMS:
        raise AnnotationError(f"data_form must be one of {sorted(FORMS)}, but it is {form!r}")
    root = Path(data_root)
    if not root.is_dir():
        raise AnnotationError(
            f'there is no folder {root} to look for annotations in (config key data_root)')
    return FORMS[form](root, splits)

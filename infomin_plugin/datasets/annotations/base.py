"""What both forms of annotations share."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NAMED_AT_MOST = 5
CHARACTERS_SHOWN = 300


class AnnotationError(ValueError):
    """An annotation set that is missing, unreadable or inconsistent."""


@dataclass(frozen=True)
class AnnotationSet:
    """One split of an annotated set.

    Attributes:
        form (str): ``'voc'`` or ``'coco'``.
        split (str): The split found, e.g. ``'trainval'``.
        ann_file (Path): List of image names (VOC) or annotation file (COCO).
        image_dir (Path): Folder that holds ``JPEGImages`` and ``Annotations`` (VOC), or the
            folder to which the images' ``file_name`` is relative (COCO).
        classes (tuple[str, ...]): Class names; sorted (VOC) or in the order of the file, by
            which mmdet numbers them (COCO).
        images (frozenset[str]): Names of the images.
        without_mask (int): Number of objects without a mask.
        num_objects (int): Number of annotated objects.
    """

    form: str
    split: str
    ann_file: Path
    image_dir: Path
    classes: tuple[str, ...]
    images: frozenset[str]
    without_mask: int
    num_objects: int


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders below ``root`` and their files, through links but never twice."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield Path(folder), files


def only(found: Sequence[Path], what: str) -> Path:
    """The one file found; ``what`` says in the error what is ambiguous."""
    if len(found) > 1:
        raise AnnotationError(
            f'{what} is ambiguous: {some(found)}; let data_root be the folder of one set')
    return found[0]


def some(items: Sequence) -> str:
    """The first few items, for a message."""
    more = f' and {len(items) - NAMED_AT_MOST} more' if len(items) > NAMED_AT_MOST else ''
    return ', '.join(shown(item) for item in items[:NAMED_AT_MOST]) + more


def shown(item: object) -> str:
    """A text of a file for a message: not long, and nothing that a terminal would obey."""
    text = str(item)
    text = text if len(text) <= CHARACTERS_SHOWN else f'{text[:CHARACTERS_SHOWN]}…'
    return ''.join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)

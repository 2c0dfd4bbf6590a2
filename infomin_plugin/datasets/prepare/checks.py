"""What is there of a set, beside what should be.

Each check is a row of the table in ``sources.py``; ``rows(root, sample)`` yields its findings.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infomin_plugin.datasets.annotations import AnnotationError, read_set
from infomin_plugin.datasets.annotations.base import some, walk
from infomin_plugin.datasets.stl10 import STL10
from infomin_plugin.datasets.transforms.loading import ImageError, LoadImage

from .files import has_digest

OK, MISSING, BAD = 'ok', 'missing', 'bad'
IMAGES = ('.jpg', '.jpeg', '.png')
SEED = 0
AGAIN = 'Delete what is wrong and run again'


@dataclass(frozen=True)
class Row:
    """One finding.

    Attributes:
        what (str): Was looked at.
        found (str): Was found.
        wanted (str): Should be there.
        status (str): ``'ok'``; ``'missing'``: fetching it would help; ``'bad'``: what is there is
            wrong, and has to be removed first.
        note (str): What is wrong, and what to do.
    """

    what: str
    found: str
    wanted: str
    status: str
    note: str = ''


@dataclass(frozen=True)
class Images:
    """A folder of images and nothing else, at any depth.

    Args:
        folder: Below the root.
        images: How many there must be.
        classes: How many first-level folders hold them; 0: not looked at.
    """

    folder: str
    images: int
    classes: int = 0

    def rows(self, root: Path, sample: int) -> Iterator[Row]:
        """Count the images, decode some."""
        base = root / self.folder
        files, classes = [], set()
        for folder, names in walk(base):
            images = [folder / name for name in names
                      if name.lower().endswith(IMAGES) and not name.startswith('.')]
            if images and folder != base:
                classes.add(folder.relative_to(base).parts[0])
            files += images
        wanted, found = _count(self.images, 'images'), _count(len(files), 'images')
        if self.classes:
            wanted += f' in {_count(self.classes, "classes")}'
            found += f' in {_count(len(classes), "classes")}'
        status, note = OK, ''
        if len(files) < self.images:
            status = MISSING
        elif len(files) > self.images:
            status, note = BAD, f'more than the published files. {AGAIN}'
        elif self.classes and len(classes) != self.classes:
            status, note = BAD, f'{base} must have one folder a class, each with its images'
        yield Row(self.folder, found, wanted, status, note)
        yield from _decoded(self.folder, sorted(files), sample)


@dataclass(frozen=True)
class VocSplit:
    """One list of images in PASCAL VOC form, their annotations and the images.

    Args:
        folder: That holds ``ImageSets``, ``Annotations`` and ``JPEGImages``, below the root.
        split: Name of the list.
        images: How many it must name.
        classes: How many there must be in the annotations.
    """

    folder: str
    split: str
    images: int
    classes: int

    def rows(self, root: Path, sample: int) -> Iterator[Row]:
        """Parse the annotation of every image of the list; decode some images."""
        what, base = f'{self.folder} {self.split}', root / self.folder
        ann_file = base / f'ImageSets/Main/{self.split}.txt'
        names = ann_file.read_text(errors='replace').splitlines() if ann_file.is_file() else []
        there = [name for name in names if (base / f'JPEGImages/{name}.jpg').is_file()
                 and (base / f'Annotations/{name}.xml').is_file()]
        if len(there) < self.images:
            yield Row(what, f'{len(there):,} images with annotations',
                      _annotated(self.images, self.classes), MISSING)
        else:
            yield _parsed(what, base, 'voc', self.split, self.images, self.classes)
        yield from _decoded(what, [base / f'JPEGImages/{name}.jpg' for name in there], sample)


@dataclass(frozen=True)
class CocoFile:
    """One annotation file in COCO form, whose images are checked by :class:`Images`.

    Args:
        folder: That holds ``annotations/instances_SPLIT.json`` and the images, below the root.
        split: Its name.
        images: How many it must name.
        classes: How many it must name.
    """

    folder: str
    split: str
    images: int
    classes: int

    def rows(self, root: Path, sample: int) -> Iterator[Row]:
        """Parse the whole file, and find the images that it names."""
        name = f'{self.folder}/annotations/instances_{self.split}.json'
        if (root / name).is_file():
            yield _parsed(name, root / self.folder, 'coco', self.split, self.images, self.classes)
        else:
            yield Row(name, 'no file', _annotated(self.images, self.classes), MISSING)


@dataclass(frozen=True)
class Stl10Split:
    """One split of STL-10's binary files.

    Args:
        folder: That holds them, below the root.
        split: ``'train'``, ``'test'`` or ``'unlabeled'``.
        images: How many there must be.
    """

    folder: str
    split: str
    images: int

    def rows(self, root: Path, sample: int) -> Iterator[Row]:
        """Read sizes, labels and class names."""
        what, wanted = f'{self.folder} {self.split}', _count(self.images, 'images')
        try:
            found = len(STL10(str(root / self.folder), self.split))
        except FileNotFoundError:
            yield Row(what, 'not all files', wanted, MISSING)
        except ValueError as error:
            yield Row(what, 'unreadable', wanted, BAD, f'{error}. {AGAIN}')
        else:
            yield _compared(what, _count(found, 'images'), wanted)


@dataclass(frozen=True)
class Digests:
    """Files whose bytes are known.

    Args:
        folder: That holds them, below the root.
        digests: File name to ``'md5:HEX'`` or ``'sha256:HEX'``.
    """

    folder: str
    digests: dict[str, str] = field(hash=False)

    def rows(self, root: Path, sample: int) -> Iterator[Row]:
        """Read all bytes of every file."""
        there = [name for name in self.digests if (root / self.folder / name).is_file()]
        wrong = [name for name in there
                 if not has_digest(root / self.folder / name, self.digests[name])]
        status = BAD if wrong else OK if len(there) == len(self.digests) else MISSING
        yield Row(f'{self.folder} checksums', f'{len(there) - len(wrong)} files right',
                  f'{len(self.digests)} files right', status,
                  f'not the published bytes: {some(wrong)}. {AGAIN}' if wrong else '')


Check = Images | VocSplit | CocoFile | Stl10Split | Digests


def _parsed(what: str, base: Path, form: str, split: str, images: int, classes: int) -> Row:
    """Read an annotation set whole, by the reader that trainings use."""
    wanted = _annotated(images, classes)
    try:
        found = read_set(base, form, [split])
    except AnnotationError as error:
        return Row(what, 'unreadable', wanted, BAD, f'{error}. {AGAIN}')
    return _compared(what, _annotated(len(found.images), len(found.classes)), wanted)


def _compared(what: str, found: str, wanted: str) -> Row:
    if found == wanted:
        return Row(what, found, wanted, OK)
    return Row(what, found, wanted, BAD, f'this is not the published set. {AGAIN}')


def _decoded(what: str, files: Sequence[Path], sample: int) -> Iterator[Row]:
    """Decode some files to the last pixel; yields nothing where there is none."""
    chosen = random.Random(SEED).sample(files, min(sample, len(files)))
    if not chosen:
        return
    load, broken = LoadImage(), []
    for file in chosen:
        try:
            load.transform(dict(img_path=str(file)))
        except ImageError as error:
            broken.append(str(error))
    yield Row(f'{what}, sample', f'{len(chosen) - len(broken):,} decoded',
              f'{len(chosen):,} decoded', BAD if broken else OK,
              f'{some(broken)}. {AGAIN}' if broken else '')


def _count(number: int, what: str) -> str:
    return f'{number:,} {what}'


def _annotated(images: int, classes: int) -> str:
    return f'{images:,} images, {classes} classes'

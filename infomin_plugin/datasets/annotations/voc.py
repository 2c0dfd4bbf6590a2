"""Annotation sets in PASCAL VOC form."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from ..bounds import MAX_SIDE, size_problem
from .base import AnnotationError, AnnotationSet, only, shown, some, walk

# Bytes of an annotation file: room for more than 10,000 objects.
MAX_BYTES = 1 << 24
# Elements in one another; VOC has five (annotation, object, part, bndbox, xmin).
MAX_DEPTH = 100


def read_voc(root: Path, splits: Sequence[str]) -> AnnotationSet:
    """Read the first of some splits below ``root``; see :func:`read_set`."""
    split, ann_file = _find_voc(root, splits)
    base = ann_file.parents[2]
    try:
        names = ann_file.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f'{ann_file} is no readable list of images: {error}') from error
    if not names:
        raise AnnotationError(f'{ann_file} lists no images')
    for number, name in enumerate(names, 1):
        if not name or name != name.strip() or len(name.split()) > 1:
            raise AnnotationError(f'{ann_file}, line {number}: one image name a line without '
                                  f'spaces is expected, but it is {shown(repr(name))}')
    _check_voc_images(base, names, ann_file)

    classes, num_objects = set(), 0
    for name in names:
        found = _read_voc_objects(base / 'Annotations' / f'{name}.xml')
        classes.update(found)
        num_objects += len(found)
    if not num_objects:
        raise AnnotationError(f'none of the {len(names)} images of {ann_file} has an annotated '
                              'object, so that there are no classes')
    return AnnotationSet('voc', split, ann_file, base, tuple(sorted(classes)), frozenset(names),
                         without_mask=num_objects, num_objects=num_objects)


def _find_voc(root: Path, splits: Sequence[str]) -> tuple[str, Path]:
    lists = [
        folder / file for folder, files in walk(root)
        if folder.name == 'Main' and folder.parent.name == 'ImageSets' for file in files
        if file.endswith('.txt')
    ]
    for split in splits:
        if found := [file for file in lists if file.stem == split]:
            ann_file = only(found, f'split {split!r} below {root}')
            for sibling in ('Annotations', 'JPEGImages'):
                if not (folder := ann_file.parents[2] / sibling).is_dir():
                    raise AnnotationError(f'{ann_file} has no folder {folder} beside it')
            return split, ann_file
    wanted = ' or '.join(f'{split}.txt' for split in splits)
    raise AnnotationError(f'no VOC-form annotations in {root}: looked for ImageSets/Main/{wanted} '
                          f'in it and below, found {some(lists) or "no such lists"}')


def _check_voc_images(base: Path, names: Sequence[str], ann_file: Path) -> None:
    images = set(os.listdir(base / 'JPEGImages'))
    if missing := [name for name in names if f'{name}.jpg' not in images]:
        stems = {Path(image).stem: image for image in images}
        others = [stems[name] for name in missing if name in stems]
        hint = (f'; {some(others)} is there instead, but images in VOC form must end in .jpg'
                if others else '')
        raise AnnotationError(
            f'{len(missing)} of the {len(names)} images that {ann_file} lists are not in '
            f"{base / 'JPEGImages'}: {some([f'{name}.jpg' for name in missing])}{hint}")


def _read_voc_objects(file: Path) -> list[str]:
    """Class names of the objects of one annotation file."""
    root = _parse_xml(file)
    if (size := root.find('size')) is not None:
        sides = [_number(size.findtext(side)) or 0 for side in ('width', 'height')]
        for side, value in zip(('width', 'height'), sides, strict=True):
            if value < 1:
                raise AnnotationError(
                    f'{file}: size/{side} must be a positive number, but it is '
                    f'{shown(repr(size.findtext(side)))}')
        if problem := size_problem(*map(int, sides)):
            raise AnnotationError(f'{file}: its image {problem}')
    names = []
    for index, found in enumerate(root.findall('object'), 1):
        name = found.findtext('name')
        if not name:
            raise AnnotationError(f'{file}: object {index} has no name, that is no class')
        box = [_number(found.findtext(f'bndbox/{key}')) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        name = shown(name)
        if None in box or box[0] > box[2] or box[1] > box[3] or max(map(abs, box)) > MAX_SIDE:
            raise AnnotationError(
                f'{file}: object {index} ({name}) needs a bndbox of numbers with xmin <= xmax and '
                f'ymin <= ymax, but (xmin, ymin, xmax, ymax) is {tuple(box)}')
        if found.findtext('difficult', '0') not in ('0', '1'):
            raise AnnotationError(f"{file}: object {index} ({name}): difficult must be 0 or 1, but "
                                  f"it is {shown(repr(found.findtext('difficult')))}")
        names.append(found.findtext('name'))
    return names


def _parse_xml(file: Path) -> ElementTree.Element:
    # Entities, by which a small file can expand without end, need a document type declaration.
    # Expat reports it before anything is expanded, whatever the encoding.
    def refuse(*_):
        raise AnnotationError(f'{file} has a document type declaration (DOCTYPE); annotations '
                              'have none, and such files are not read for safety')

    def enter(*_):
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise AnnotationError(f'{file} has more than {MAX_DEPTH} elements in one another')

    def leave(*_):
        nonlocal depth
        depth -= 1

    depth = 0
    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    checker.StartElementHandler, checker.EndElementHandler = enter, leave
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            raise AnnotationError(f'{file} has {size} bytes; at most {MAX_BYTES} are read')
        content = file.read_bytes()
        checker.Parse(content, True)
        return ElementTree.fromstring(content)
    except FileNotFoundError as error:
        raise AnnotationError(f'there is no annotation file {file}') from error
    except AnnotationError:
        raise
    # of an unknown or odd encoding: LookupError, ValueError
    except (OSError, expat.ExpatError, SyntaxError, LookupError, ValueError) as error:
        raise AnnotationError(f'{file} is not readable XML: {shown(error)}') from error


def _number(text: str | None) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None

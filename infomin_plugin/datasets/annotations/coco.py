"""Annotation sets in COCO form.

What is read here is read again by mmdet and pycocotools, which check nothing.
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from reprlib import repr  # of what is long or deep only a part
from typing import Any

from ..bounds import MAX_PIXELS, size_problem
from .base import AnnotationError, AnnotationSet, only, shown, some, walk
from .masks import mask_problem

# Annotation files of COCO that are not about instances.
OTHER_COCO_FILES = ('captions', 'image_info', 'panoptic', 'person_keypoints', 'stuff')


def read_coco(root: Path, splits: Sequence[str]) -> AnnotationSet:
    """Read the first of some splits below ``root``; see :func:`read_set`."""
    split, ann_file = _find_coco(root, splits)
    content = _parse_json(ann_file)
    classes = _coco_classes(content['categories'], ann_file)
    if not content['annotations']:
        raise AnnotationError(f'{ann_file} has no annotations')
    if not content['images']:
        raise AnnotationError(f'{ann_file} has no images')
    _check_images(content['images'], ann_file)
    without_mask = _check_coco_annotations(content, ann_file)
    names = [image['file_name'] for image in content['images']]
    return AnnotationSet('coco', split, ann_file, _coco_image_dir(root, names, split, ann_file),
                         classes, frozenset(names), without_mask, len(content['annotations']))


def _find_coco(root: Path, splits: Sequence[str]) -> tuple[str, Path]:
    files = [
        folder / file for folder, files in walk(root) for file in files
        if file.endswith('.json') and not file.startswith(OTHER_COCO_FILES)
    ]
    for split in splits:
        # The usual name first, then what labelling tools export.
        for fits in (lambda file, split=split: file.stem == f'instances_{split}',
                     lambda file, split=split: file.stem == split,
                     lambda file, split=split: file.stem.endswith((f'_{split}', f'-{split}')),
                     lambda file, split=split: (file.parent.name == split
                                                and 'annotations' in file.stem)):
            if found := [file for file in files if fits(file)]:
                return split, only(found, f'split {split!r} below {root}')
    wanted = ' or '.join(f'instances_{split}.json' for split in splits)
    raise AnnotationError(f'no COCO-form annotations in {root}: looked for {wanted} (or the same '
                          f'without "instances_") in it and below, found '
                          f'{some(files) or "no .json files"}')


def _parse_json(file: Path) -> dict:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(f'{file} is not readable JSON: {shown(error)}') from error
    for key, needed in (('categories', ('id', 'name')),
                        ('images', ('id', 'file_name', 'width', 'height')),
                        ('annotations', ('id', 'image_id', 'category_id', 'bbox', 'area'))):
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise AnnotationError(f'{file} is not in COCO form: it has no list {key!r}')
        for index, entry in enumerate(entries):
            if lacking := [k for k in needed if not isinstance(entry, dict) or k not in entry]:
                raise AnnotationError(f'{file}: entry {index} of {key!r} lacks {lacking}')
            if not isinstance(entry['id'], int | str):
                raise AnnotationError(f'{file}: entry {index} of {key!r} has the id '
                                      f"{repr(entry['id'])}, which is no number")
    return content


def _coco_classes(categories: list[dict], file: Path) -> tuple[str, ...]:
    if wrong := [c['name'] for c in categories if not isinstance(c['name'], str | int | float)]:
        raise AnnotationError(f'{file}: the name of a category is {repr(wrong[0])}')
    classes = tuple(str(category['name']) for category in categories)
    if not classes:
        raise AnnotationError(f"{file} has no classes: its list 'categories' is empty")
    if len(set(classes)) < len(classes) or len({c['id'] for c in categories}) < len(classes):
        raise AnnotationError(f'{file}: names and ids of the categories must differ, but they are '
                              f"{some([(c['id'], c['name']) for c in categories])}")
    return classes


def _check_images(images: list[dict], file: Path) -> None:
    for image in images:
        name, sides = image['file_name'], (image['width'], image['height'])
        path = PurePosixPath(name) if isinstance(name, str) else None
        if not name or path is None or path.is_absolute() or '..' in path.parts or '\0' in name:
            raise AnnotationError(f"{file}: image {shown(image['id'])} has the file_name "
                                  f'{repr(name)}, which is no path below the folder of images')
        problem = ('needs width and height, whole numbers' if not all(
            type(side) is int for side in sides) else size_problem(*sides))
        if problem:
            raise AnnotationError(f'{file}: image {shown(name)} {shown(problem)}')


def _is_number(value: Any) -> bool:
    """Whether this is a number that an image can have to do with; false for NaN."""
    return isinstance(value, int | float) and -MAX_PIXELS <= value <= MAX_PIXELS


def _check_coco_annotations(content: dict, file: Path) -> int:
    """Check that the annotations' references hold; returns how many objects have no mask."""
    categories = {category['id'] for category in content['categories']}
    images = {image['id']: (image['width'], image['height']) for image in content['images']}
    without_mask = 0
    for entry in content['annotations']:
        where = f"{file}: annotation {shown(entry['id'])}"
        category, image = entry['category_id'], entry['image_id']
        if not isinstance(category, int | str) or category not in categories:
            raise AnnotationError(f'{where} is of the class with id {repr(category)}, which '
                                  "is not in the file's list 'categories'")
        if not isinstance(image, int | str) or image not in images:
            raise AnnotationError(f'{where} belongs to the image with id {repr(image)}, '
                                  "which is not in the file's list 'images'")
        box = entry['bbox']
        if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
            raise AnnotationError(f'{where} needs a bbox [x, y, width, height], but it is '
                                  f'{repr(box)}')
        if not _is_number(entry['area']) or entry.get('iscrowd', 0) not in (0, 1):
            raise AnnotationError(f"{where} needs an area in pixels and an iscrowd of 0 or 1, but "
                                  f"has {repr(entry['area'])} and {repr(entry.get('iscrowd'))}")
        if not entry.get('segmentation'):
            without_mask += 1
        elif problem := mask_problem(entry['segmentation'], *images[image]):
            raise AnnotationError(f"{where}: its segmentation {problem}")
    return without_mask


def _coco_image_dir(root: Path, names: Sequence[str], split: str, ann_file: Path) -> Path:
    """The folder below ``root`` to which the images' names are relative."""
    # A name may begin with folders itself; the folder above them is looked for.
    first = PurePosixPath(names[0])
    depth = len(first.parts) - 1
    files_in = {folder: set(files) for folder, files in walk(root)}
    bases = {
        folder.parents[depth - 1] if depth else folder
        for folder, files in files_in.items()
        if first.name in files and folder.parts[len(folder.parts) - depth:] == first.parts[:-1]
    }

    def missing(base: Path) -> list[str]:
        return [
            name for name in names
            if PurePosixPath(name).name not in files_in.get((base / name).parent, ())
        ]

    # Several splits may number their images alike: the folder with the most of them, then the
    # one named after the split, then the nearest.
    order = sorted(bases, key=lambda base: (len(missing(base)), split not in base.name,
                                            len(base.parts), base))
    if not order:
        raise AnnotationError(f'the images of {ann_file} are not below {root}: there is no '
                              f'{shown(names[0])} in any folder')
    if lost := missing(order[0]):
        raise AnnotationError(f'{len(lost)} of the {len(names)} images of {ann_file} are not in '
                              f'{order[0]}: {some(lost)}')
    return order[0]

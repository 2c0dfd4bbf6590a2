"""Finds, reads and checks annotation sets in PASCAL VOC form and in COCO form.

Nothing is assumed about the folders around them: a set is found below a data root by its form.
Everything that would fail, or silently go wrong, in the middle of a training is looked at here.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from xml.parsers import expat

# What the two general words mean, the first that is there wins. Any other split is meant
# literally. `trainval` is not offered beside `val` as the test split, since it holds it.
TEST_SPLITS = ('test', 'test2017', 'val', 'val2017', 'valid', 'validation')
TRAIN_SPLITS = ('trainval', 'train', 'train2017')
TRAIN_SPLITS_BESIDE_VAL = ('train', 'train2017')

# Annotation files of COCO that are not about instances.
OTHER_COCO_FILES = ('captions', 'image_info', 'panoptic', 'person_keypoints', 'stuff')

NAMED_AT_MOST = 5


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


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders below ``root`` and their files, through links but never twice."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield Path(folder), files


def _only(found: Sequence[Path], what: str) -> Path:
    if len(found) > 1:
        raise AnnotationError(
            f'{what} is ambiguous: {_some(found)}; let data_root be the folder of one set')
    return found[0]


def _some(items: Sequence) -> str:
    items = [str(item) for item in items]
    more = f' and {len(items) - NAMED_AT_MOST} more' if len(items) > NAMED_AT_MOST else ''
    return ', '.join(items[:NAMED_AT_MOST]) + more


# --------------------------------------------------------------------------------- PASCAL VOC


def _read_voc(root: Path, splits: Sequence[str]) -> AnnotationSet:
    split, ann_file = _find_voc(root, splits)
    base = ann_file.parents[2]
    names = ann_file.read_text(encoding='utf-8').splitlines()
    if not names:
        raise AnnotationError(f'{ann_file} lists no images')
    for number, name in enumerate(names, 1):
        if not name or name != name.strip() or len(name.split()) > 1:
            raise AnnotationError(f'{ann_file}, line {number}: one image name a line without '
                                  f'spaces is expected, but it is {name!r}')
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
        folder / file for folder, files in _walk(root)
        if folder.name == 'Main' and folder.parent.name == 'ImageSets' for file in files
        if file.endswith('.txt')
    ]
    for split in splits:
        if found := [file for file in lists if file.stem == split]:
            ann_file = _only(found, f'split {split!r} below {root}')
            for sibling in ('Annotations', 'JPEGImages'):
                if not (folder := ann_file.parents[2] / sibling).is_dir():
                    raise AnnotationError(f'{ann_file} has no folder {folder} beside it')
            return split, ann_file
    wanted = ' or '.join(f'{split}.txt' for split in splits)
    raise AnnotationError(f'no VOC-form annotations in {root}: looked for ImageSets/Main/{wanted} '
                          f'in it and below, found {_some(lists) or "no such lists"}')


def _check_voc_images(base: Path, names: Sequence[str], ann_file: Path) -> None:
    images = set(os.listdir(base / 'JPEGImages'))
    if missing := [name for name in names if f'{name}.jpg' not in images]:
        stems = {Path(image).stem: image for image in images}
        others = [stems[name] for name in missing if name in stems]
        hint = (f'; {_some(others)} is there instead, but images in VOC form must end in .jpg'
                if others else '')
        raise AnnotationError(
            f'{len(missing)} of the {len(names)} images that {ann_file} lists are not in '
            f"{base / 'JPEGImages'}: {_some([f'{name}.jpg' for name in missing])}{hint}")


def _read_voc_objects(file: Path) -> list[str]:
    """Class names of the objects of one annotation file."""
    root = _parse_xml(file)
    if (size := root.find('size')) is not None:
        for side in ('width', 'height'):
            if (_number(size.findtext(side)) or 0) < 1:
                raise AnnotationError(
                    f'{file}: size/{side} must be a positive number, but it is '
                    f'{size.findtext(side)!r}')
    names = []
    for index, found in enumerate(root.findall('object'), 1):
        name = found.findtext('name')
        if not name:
            raise AnnotationError(f'{file}: object {index} has no name, that is no class')
        box = [_number(found.findtext(f'bndbox/{key}')) for key in ('xmin', 'ymin', 'xmax', 'ymax')]
        if None in box or box[0] > box[2] or box[1] > box[3]:
            raise AnnotationError(
                f'{file}: object {index} ({name}) needs a bndbox of numbers with xmin <= xmax and '
                f'ymin <= ymax, but (xmin, ymin, xmax, ymax) is {tuple(box)}')
        if found.findtext('difficult', '0') not in ('0', '1'):
            raise AnnotationError(f"{file}: object {index} ({name}): difficult must be 0 or 1, but "
                                  f"it is {found.findtext('difficult')!r}")
        names.append(name)
    return names


def _parse_xml(file: Path) -> ElementTree.Element:
    # Entities, by which a small file can expand without end, need a document type declaration.
    # Expat reports it before anything is expanded, whatever the encoding.
    def refuse(*_):
        raise AnnotationError(f'{file} has a document type declaration (DOCTYPE); annotations '
                              'have none, and such files are not read for safety')

    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    try:
        content = file.read_bytes()
        checker.Parse(content, True)
        return ElementTree.fromstring(content)
    except FileNotFoundError as error:
        raise AnnotationError(f'there is no annotation file {file}') from error
    except (OSError, expat.ExpatError, ElementTree.ParseError, LookupError) as error:
        raise AnnotationError(f'{file} is not readable XML: {error}') from error


def _number(text: str | None) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


# --------------------------------------------------------------------------------------- COCO


def _read_coco(root: Path, splits: Sequence[str]) -> AnnotationSet:
    split, ann_file = _find_coco(root, splits)
    content = _parse_json(ann_file)
    classes = _coco_classes(content['categories'], ann_file)
    if not content['annotations']:
        raise AnnotationError(f'{ann_file} has no annotations')
    if not content['images']:
        raise AnnotationError(f'{ann_file} has no images')
    without_mask = _check_coco_annotations(content, ann_file)
    names = [image['file_name'] for image in content['images']]
    return AnnotationSet('coco', split, ann_file, _coco_image_dir(root, names, split, ann_file),
                         classes, frozenset(names), without_mask, len(content['annotations']))


def _find_coco(root: Path, splits: Sequence[str]) -> tuple[str, Path]:
    files = [
        folder / file for folder, files in _walk(root) for file in files
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
                return split, _only(found, f'split {split!r} below {root}')
    wanted = ' or '.join(f'instances_{split}.json' for split in splits)
    raise AnnotationError(f'no COCO-form annotations in {root}: looked for {wanted} (or the same '
                          f'without "instances_") in it and below, found '
                          f'{_some(files) or "no .json files"}')


def _parse_json(file: Path) -> dict:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(f'{file} is not readable JSON: {error}') from error
    for key, needed in (('categories', ('id', 'name')),
                        ('images', ('id', 'file_name', 'width', 'height')),
                        ('annotations', ('id', 'image_id', 'category_id', 'bbox', 'area'))):
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise AnnotationError(f'{file} is not in COCO form: it has no list {key!r}')
        for index, entry in enumerate(entries):
            if lacking := [k for k in needed if not isinstance(entry, dict) or k not in entry]:
                raise AnnotationError(f'{file}: entry {index} of {key!r} lacks {lacking}')
    return content


def _coco_classes(categories: list[dict], file: Path) -> tuple[str, ...]:
    classes = tuple(str(category['name']) for category in categories)
    if not classes:
        raise AnnotationError(f"{file} has no classes: its list 'categories' is empty")
    if len(set(classes)) < len(classes) or len({c['id'] for c in categories}) < len(classes):
        raise AnnotationError(f'{file}: names and ids of the categories must differ, but they are '
                              f"{[(c['id'], c['name']) for c in categories]}")
    return classes


def _check_coco_annotations(content: dict, file: Path) -> int:
    """Check that the annotations' references hold; returns how many objects have no mask."""
    categories = {category['id'] for category in content['categories']}
    images = {image['id'] for image in content['images']}
    without_mask = 0
    for entry in content['annotations']:
        where = f"{file}: annotation {entry['id']}"
        if entry['category_id'] not in categories:
            raise AnnotationError(f"{where} is of the class with id {entry['category_id']}, which "
                                  "is not in the file's list 'categories'")
        if entry['image_id'] not in images:
            raise AnnotationError(f"{where} belongs to the image with id {entry['image_id']}, "
                                  "which is not in the file's list 'images'")
        box = entry['bbox']
        if not (isinstance(box, list) and len(box) == 4
                and all(isinstance(side, int | float) and math.isfinite(side) for side in box)):
            raise AnnotationError(f'{where} needs a bbox [x, y, width, height], but it is {box!r}')
        without_mask += not entry.get('segmentation')
    return without_mask


def _coco_image_dir(root: Path, names: Sequence[str], split: str, ann_file: Path) -> Path:
    """The folder below ``root`` to which the images' names are relative."""
    # A name may begin with folders itself; the folder above them is looked for.
    first = PurePosixPath(names[0])
    depth = len(first.parts) - 1
    files_in = {folder: set(files) for folder, files in _walk(root)}
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
                              f'{names[0]} in any folder')
    if lost := missing(order[0]):
        raise AnnotationError(f'{len(lost)} of the {len(names)} images of {ann_file} are not in '
                              f'{order[0]}: {_some(lost)}')
    return order[0]


FORMS = {'voc': _read_voc, 'coco': _read_coco}

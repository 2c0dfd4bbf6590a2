"""Small annotated sets in PASCAL VOC form and in COCO form, for the tests."""

import json
from pathlib import Path

import cv2
import numpy as np

# image -> objects: class, box in pixels from 0, both ends included, difficult
Objects = dict[str, list[tuple[str, tuple[int, int, int, int], int]]]

TRAIN: Objects = {
    'a': [('cat', (2, 3, 20, 22), 0), ('dog', (25, 5, 40, 30), 0)],
    'b': [('owl', (10, 10, 30, 30), 0)],
}
TEST: Objects = {'c': [('dog', (4, 4, 24, 28), 0), ('cat', (30, 8, 44, 20), 1)]}


def write_image(path: Path, size: tuple[int, int] = (48, 36)) -> None:
    """Write a grey picture of (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), 128, np.uint8))


def voc_xml(objects: list, size: tuple[int, int] = (48, 36)) -> str:
    """One annotation file; VOC counts pixels from 1."""
    parts = [
        f'<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>'
        f'<xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin><xmax>{x2 + 1}</xmax><ymax>{y2 + 1}</ymax>'
        '</bndbox></object>' for name, (x1, y1, x2, y2), difficult in objects
    ]
    return (f'<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>'
            f"{''.join(parts)}</annotation>")


def write_voc(base: Path, splits: dict[str, Objects]) -> Path:
    """Write ``base``/{Annotations,ImageSets/Main,JPEGImages}."""
    (base / 'ImageSets/Main').mkdir(parents=True)
    (base / 'Annotations').mkdir()
    for split, images in splits.items():
        (base / f'ImageSets/Main/{split}.txt').write_text('\n'.join(images) + '\n')
        for name, objects in images.items():
            write_image(base / f'JPEGImages/{name}.jpg')
            (base / f'Annotations/{name}.xml').write_text(voc_xml(objects))
    return base


def coco_content(images: Objects, classes: tuple[str, ...] = ('owl', 'cat', 'dog'),
                 suffix: str = '.jpg') -> dict:
    """Content of one annotation file; category ids 3, 6, 9 ... in the order of ``classes``."""
    annotations = []
    for index, objects in enumerate(images.values()):
        for name, (x1, y1, x2, y2), _ in objects:
            w, h = x2 - x1 + 1, y2 - y1 + 1
            annotations.append(
                dict(
                    id=len(annotations) + 1, image_id=index, iscrowd=0, area=w * h,
                    category_id=3 * (classes.index(name) + 1), bbox=[x1, y1, w, h],
                    segmentation=[[x1, y1, x1 + w, y1, x1 + w, y1 + h, x1, y1 + h]]))
    return dict(
        images=[dict(id=i, file_name=name + suffix, width=48, height=36)
                for i, name in enumerate(images)],
        categories=[dict(id=3 * (i + 1), name=name) for i, name in enumerate(classes)],
        annotations=annotations)


def write_coco(root: Path, splits: dict[str, Objects], image_dir: str = 'images', **kwargs) -> Path:
    """Write ``root``/annotations/instances_<split>.json and the images."""
    (root / 'annotations').mkdir(parents=True, exist_ok=True)
    for split, images in splits.items():
        content = coco_content(images, **kwargs)
        (root / f'annotations/instances_{split}.json').write_text(json.dumps(content))
        for image in content['images']:
            write_image(root / image_dir / image['file_name'])
    return root

"""Small sets in every form that the configs read."""

import json
from pathlib import Path

import cv2
import numpy as np

from infomin_plugin.datasets.mini import make_mini


def write_images(folder: Path, count: int, size=(48, 40), seed=0) -> None:
    """Write ``count`` images of noise, (width, height)."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image = generator.integers(256, size=(*size[::-1], 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f'{index:03}.jpg'), image)


def write_image_tree(root: Path) -> Path:
    """Write a plain tree of six images, some of them in sub-folders."""
    write_images(root / 'one', 3, seed=1)
    write_images(root / 'two' / 'deep', 3, seed=2)
    return root


def write_mini(root: Path) -> Path:
    """Write a mini set in all its forms, with a second test split as the cutouts have it."""
    make_mini(root, objects=12, pretrain=2, classify_train=20, classify_test=10, trainval=24,
              test=4)
    (root / 'classify' / 'test_unseen').symlink_to('test')
    return root


def as_voc0712(mini: Path, root: Path) -> Path:
    """Lay a mini set's scenes out as VOC07+12; every object becomes a person."""
    voc = mini / 'VOCdevkit' / 'VOC2007'
    names = [path.name for path in (mini / 'classify' / 'train').iterdir()]
    for year in ('VOC2007', 'VOC2012'):
        (root / year / 'Annotations').mkdir(parents=True)
        (root / year / 'JPEGImages').symlink_to(voc / 'JPEGImages')
        (root / year / 'ImageSets').symlink_to(voc / 'ImageSets')
        for path in voc.glob('Annotations/*.xml'):
            text = path.read_text()
            for name in names:
                text = text.replace(f'<name>{name}</name>', '<name>person</name>')
            (root / year / 'Annotations' / path.name).write_text(text)
    return root


def as_coco2017(mini: Path, root: Path) -> Path:
    """Lay a mini set's scenes out as COCO 2017, whose first ten classes they get."""
    from mmdet.datasets import CocoDataset
    (root / 'annotations').mkdir(parents=True)
    for ours, theirs in (('trainval', 'train2017'), ('test', 'val2017')):
        (root / theirs).symlink_to(mini / 'VOCdevkit' / 'VOC2007' / 'JPEGImages')
        file = json.loads((mini / 'coco' / 'annotations' / f'instances_{ours}.json').read_text())
        file['categories'] = [dict(id=index + 1, name=name)
                              for index, name in enumerate(CocoDataset.METAINFO['classes'])]
        (root / 'annotations' / f'instances_{theirs}.json').write_text(json.dumps(file))
    return root

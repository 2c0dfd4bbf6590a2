"""Writes pictures and their annotations: JPEG, PASCAL VOC and COCO form."""

import json
import xml.etree.ElementTree as ElementTree

import cv2
import numpy as np
from pycocotools import mask as coco_mask

JPEG_QUALITY = 95


def write_image(path, image):
    """Write uint8 RGB (H, W, 3) as JPEG, the same bytes for the same pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    good, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    if not good:
        raise OSError(f'{path}: the picture could not be encoded as JPEG')
    path.write_bytes(data.tobytes())


def write_json(path, content, indent=None):
    """Write JSON, its keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    separators = (',', ':') if indent is None else None
    text = json.dumps(content, indent=indent, separators=separators)
    path.write_text(text + '\n', encoding='utf-8')


def write_voc(path, file_name, picture, classes):
    """Write the annotation of one picture in PASCAL VOC form: whole pixels, 1-based, inclusive."""
    height, width, depth = picture.image.shape
    root = ElementTree.Element('annotation')
    _add(root, 'folder', 'VOC2007')
    _add(root, 'filename', file_name)
    size = _add(root, 'size')
    for tag, value in (('width', width), ('height', height), ('depth', depth)):
        _add(size, tag, value)
    _add(root, 'segmented', 0)
    for instance in picture.instances:
        x, y, w, h = instance.box
        entry = _add(root, 'object')
        _add(entry, 'name', classes[instance.cutout.label])
        _add(entry, 'pose', 'Unspecified')
        _add(entry, 'truncated', 0)
        _add(entry, 'difficult', 0)
        box = _add(entry, 'bndbox')
        for tag, value in (('xmin', x + 1), ('ymin', y + 1), ('xmax', x + w), ('ymax', y + h)):
            _add(box, tag, value)
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ElementTree.tostring(root, encoding='unicode') + '\n', encoding='utf-8')


def _add(parent, tag, value=None):
    child = ElementTree.SubElement(parent, tag)
    if value is not None:
        child.text = str(value)
    return child


class CocoFile:
    """Gathers the annotations of one split in COCO form.

    Masks are run-length codes: exact, and with the holes of 0, 6, 8 and 9, which polygons of
    COCO cannot have. All ids count from 1, since pycocotools takes an annotation id of 0 for
    "no match".
    """

    def __init__(self, classes):
        self.images = []
        self.annotations = []
        self.categories = [dict(id=i + 1, name=name) for i, name in enumerate(classes)]

    def add(self, file_name, picture):
        """Add a picture and its instances."""
        height, width = picture.image.shape[:2]
        image_id = len(self.images) + 1
        self.images.append(dict(id=image_id, file_name=file_name, width=width, height=height))
        for instance in picture.instances:
            code = coco_mask.encode(np.asfortranarray(instance.mask.astype(np.uint8)))
            self.annotations.append(
                dict(
                    id=len(self.annotations) + 1,
                    image_id=image_id,
                    category_id=instance.cutout.label + 1,
                    iscrowd=0,
                    area=int(instance.mask.sum()),
                    bbox=[float(v) for v in instance.box],
                    segmentation=dict(size=[height, width], counts=code['counts'].decode()),
                )
            )

    def write(self, path):
        """Write the file."""
        content = dict(
            images=self.images, annotations=self.annotations, categories=self.categories
        )
        write_json(path, content)

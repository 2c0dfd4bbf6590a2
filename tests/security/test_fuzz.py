"""Thousands of damaged files: each is read, or refused by an error that names it; nothing else.

``pytest tests/security/test_fuzz.py -s --cases 5000 --fuzz-seed 1`` reads more, and others. Of a
case that fails hypothesis looks for the smallest change that does.
"""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from annotation_sets import TRAIN, voc_xml, write_coco, write_voc
from bounded import TooLong, at_most
from checkpoint_files import detectron2, mmselfsup_zoo, thin_trunk
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import randoms
from mutations import (
    BYTES,
    change_json,
    change_list,
    change_operations,
    change_xml,
    choose,
)
from PIL import Image
from pycocotools.mask import encode

from infomin_plugin.checkpoints import CheckpointError, read_trunk
from infomin_plugin.datasets.annotations import AnnotationError, read_set
from infomin_plugin.datasets.transforms import ImageError, LoadImage

SECONDS = 5  # a case; the valid file takes a hundredth


@pytest.fixture
def fuzz(request, tmp_path):
    """Let hypothesis change a file, and read it; prints how many were read and how many refused."""
    cases, start = (request.config.getoption(name) for name in ('--cases', '--fuzz-seed'))

    def run(path, data, changes, read, refusals, names=None):
        counts = dict(read=0, refused=0)

        @seed(start)
        @settings(max_examples=cases, deadline=None, database=None,
                  suppress_health_check=list(HealthCheck))
        @given(rng=randoms(use_true_random=False))
        def changed(rng):
            path.write_bytes(choose(changes, data, rng))
            try:
                with at_most(SECONDS):
                    read()
                counts['read'] += 1
            except refusals as error:
                assert (names or path.name) in str(error) and 'emory' not in str(error)
                counts['refused'] += 1
            except TooLong as error:
                pytest.fail(str(error))

        changed()
        path.write_bytes(data)
        print(f'{request.node.name}: {counts["read"]} read, {counts["refused"]} refused')
        read()  # the valid file is one
        assert counts['refused'] > cases / 10
    return run


@pytest.fixture(scope='module')
def content():
    """A training checkpoint of a ResNet-18, in a few kilobytes: changes hit its structure."""
    return mmselfsup_zoo(small(thin_trunk(18, 1)), {})


def small(state):
    """Tensors of an element each."""
    return {key: torch.ones([1] * tensor.ndim) for key, tensor in state.items()}


def zip_with(pickled, data):
    """A file of torch.save with another pickle in it, its checksums right."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, 'w') as new:
        for info in old.infolist():
            new.writestr(info.filename,
                         pickled if info.filename.endswith('data.pkl') else old.read(info))
    return out.getvalue()


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'legacy'])
def test_checkpoints_with_damage(legacy, content, fuzz, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    fuzz(path, path.read_bytes(), BYTES, lambda: read_trunk(path), CheckpointError)


@pytest.mark.parametrize('protocol', [2, 4])
def test_checkpoints_with_another_program(protocol, content, fuzz, tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(content, path, pickle_protocol=protocol)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        [name] = [name for name in archive.namelist() if name.endswith('data.pkl')]
        pickled = archive.read(name)

    def change(data, rng):
        return zip_with(change_operations(pickled, rng), whole)

    fuzz(path, whole, (change, ), lambda: read_trunk(path), CheckpointError)


@pytest.mark.parametrize('protocol', [0, 2, 5])
def test_pickles_of_arrays(protocol, fuzz, tmp_path):
    path = tmp_path / 'a.pkl'
    data = pickle.dumps(detectron2(small(thin_trunk(18, 1)), (2, 2, 2, 2), 2), protocol)
    fuzz(path, data, (*BYTES, change_operations, change_operations), lambda: read_trunk(path),
         CheckpointError)


def test_coco_annotations(fuzz, tmp_path):
    write_coco(tmp_path, {'train': TRAIN})
    path = tmp_path / 'annotations/instances_train.json'
    content = json.loads(path.read_bytes())
    content['annotations'][0]['segmentation'] = dict(size=[36, 48], counts=[700, 28, 1000])
    code = encode(np.asfortranarray(np.random.default_rng(0).integers(0, 2, (36, 48), np.uint8)))
    content['annotations'][1]['segmentation'] = code | dict(counts=code['counts'].decode())
    fuzz(path, json.dumps(content).encode(), (change_json, change_json, *BYTES),
         lambda: read_set(tmp_path, 'coco', ['train']), AnnotationError)


def test_voc_annotations(fuzz, tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    fuzz(base / 'Annotations/a.xml', voc_xml(TRAIN['a']).encode(), (change_xml, change_xml, *BYTES),
         lambda: read_set(tmp_path, 'voc', ['train']), AnnotationError)


def test_voc_lists(fuzz, tmp_path):
    path = write_voc(tmp_path / 'set', {'train': TRAIN}) / 'ImageSets/Main/train.txt'
    fuzz(path, path.read_bytes(), (change_list, *BYTES),
         lambda: read_set(tmp_path, 'voc', ['train']), AnnotationError)


@pytest.mark.parametrize('form', ['jpg', 'png', 'gif', 'tif', 'bmp', 'webp'])
def test_images(form, fuzz, tmp_path):
    path = tmp_path / f'a.{form}'
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, **({} if form in ('gif', 'bmp') else dict(exif=exif)))
    fuzz(path, path.read_bytes(), BYTES,
         lambda: LoadImage().transform(dict(img_path=str(path))), ImageError)

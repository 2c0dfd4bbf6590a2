"""The checker finds what is wrong with a set, and says where."""

import hashlib
import json

import numpy as np
import pytest
from annotation_sets import TEST, TRAIN, coco_content, write_coco, write_voc
from PIL import Image
from stl10_files import write_stl10

from infomin_plugin.datasets.prepare.checks import CocoFile, Digests, Images, Stl10Split, VocSplit

VOC = VocSplit('VOCdevkit/VOC2007', 'trainval', 2, 3)
COCO = CocoFile('coco', 'val2017', 2, 3)


def states(check, root, sample=10):
    return [row.status for row in check.rows(root, sample)]


def notes(check, root, sample=10):
    return ' '.join(row.note for row in check.rows(root, sample))


def truncate(path):
    """Cut a JPEG in its pixels: its head is whole."""
    image = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(image).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with Image.open(path) as image:
        assert image.size == (64, 64)


# ---------------------------------------------------------------------------- folders of images


@pytest.fixture
def folder(tmp_path):
    for name in 'abc':
        (tmp_path / f'set/{name}').mkdir(parents=True)
        for index in range(2):
            Image.new('RGB', (20, 20)).save(tmp_path / f'set/{name}/{index}.JPEG')
    (tmp_path / 'set/README.txt').write_text('no image')
    return tmp_path


def test_folder_that_is_right(folder):
    count, sample = Images('set', 6, 3).rows(folder, 4)
    assert (count.found, count.wanted, count.status) == (
        '6 images in 3 classes', '6 images in 3 classes', 'ok')
    assert (sample.found, sample.status) == ('4 decoded', 'ok')


def test_linked_folder_is_right_too(folder):
    (folder / 'data').mkdir()
    (folder / 'data/set').symlink_to(folder / 'set')
    assert states(Images('set', 6, 3), folder / 'data') == ['ok', 'ok']


@pytest.mark.parametrize('check, state', [
    (Images('other', 6), ['missing']),  # nothing to decode
    (Images('set', 7), ['missing', 'ok']),
    (Images('set', 5), ['bad', 'ok']),
    (Images('set', 6, 4), ['bad', 'ok']),
    (Images('set', 7, 4), ['missing', 'ok']),
])
def test_folder_with_another_number(check, state, folder):
    assert states(check, folder) == state


def test_images_outside_class_folders(folder):
    for index, file in enumerate(sorted((folder / 'set').rglob('*.JPEG'))):
        file.rename(folder / f'set/{index}.JPEG')
    row = next(Images('set', 6, 3).rows(folder, 0))
    assert (row.found, row.status) == ('6 images in 0 classes', 'bad')
    assert 'one folder a class' in row.note


def test_truncated_image_in_the_sample(folder):
    truncate(folder / 'set/b/1.JPEG')
    check = Images('set', 6, 3)
    assert states(check, folder) == ['ok', 'bad']
    assert 'set/b/1.JPEG' in notes(check, folder) and 'Delete' in notes(check, folder)
    assert list(check.rows(folder, 10))[1].found == '5 decoded'
    assert states(check, folder, sample=0) == ['ok']


def test_sample_is_the_same_each_time_and_of_the_whole_set(folder):
    for file in (folder / 'set').rglob('*.JPEG'):
        truncate(file)
    check = Images('set', 6)
    seen = [notes(check, folder, sample=2) for _ in range(2)]
    assert seen[0] == seen[1] and seen[0].count('cannot read image') == 2
    assert notes(check, folder, sample=5).count('cannot read image') == 5


# --------------------------------------------------------------------------------- PASCAL VOC


@pytest.fixture
def voc(tmp_path):
    write_voc(tmp_path / VOC.folder, {'trainval': TRAIN, 'test': TEST})
    return tmp_path


def test_voc_that_is_right(voc):
    assert states(VOC, voc) == ['ok', 'ok']
    assert states(VocSplit(VOC.folder, 'test', 1, 2), voc) == ['ok', 'ok']


@pytest.mark.parametrize('lost', ['ImageSets/Main/trainval.txt', 'JPEGImages/a.jpg',
                                  'Annotations/b.xml'])
def test_voc_file_that_is_missing(lost, voc):
    (voc / VOC.folder / lost).unlink()
    assert states(VOC, voc)[0] == 'missing'


def test_voc_of_another_size(voc):
    assert states(VocSplit(VOC.folder, 'trainval', 3, 3), voc) == ['missing', 'ok']
    for check in (VocSplit(VOC.folder, 'trainval', 1, 3), VocSplit(VOC.folder, 'trainval', 2, 20)):
        assert states(check, voc) == ['bad', 'ok'] and 'not the published set' in notes(check, voc)


@pytest.mark.parametrize('content, message', [
    ('<annotation><object>', 'not readable XML'),
    # entities of entities: 10^9 letters if they were expanded
    ('<!DOCTYPE a [<!ENTITY e0 "x">' + ''.join(
        f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10)) + ']><a>&e9;</a>',
     'DOCTYPE'),
])
def test_voc_annotation_that_is_broken(content, message, voc):
    (voc / VOC.folder / 'Annotations/b.xml').write_text(content)
    assert states(VOC, voc) == ['bad', 'ok']
    assert 'Annotations/b.xml' in notes(VOC, voc) and message in notes(VOC, voc)


def test_voc_image_that_is_truncated(voc):
    truncate(voc / VOC.folder / 'JPEGImages/a.jpg')
    assert states(VOC, voc) == ['ok', 'bad'] and 'JPEGImages/a.jpg' in notes(VOC, voc)
    assert states(VocSplit(VOC.folder, 'test', 1, 2), voc) == ['ok', 'ok']


# --------------------------------------------------------------------------------------- COCO


@pytest.fixture
def coco(tmp_path):
    write_coco(tmp_path / 'coco', {'val2017': TRAIN}, 'val2017')
    return tmp_path


def test_coco_that_is_right(coco):
    assert states(COCO, coco) == ['ok']
    assert states(CocoFile('coco', 'train2017', 2, 3), coco) == ['missing']
    assert states(CocoFile('coco', 'val2017', 2, 80), coco) == ['bad']


@pytest.mark.parametrize('content, message', [
    ('{"images": [', 'not readable JSON'),
    ('[' * 100_000, 'not readable JSON'),
    ('{}', "no list 'categories'"),
    (json.dumps(coco_content(TRAIN) | dict(images=[])), 'no images'),
])
def test_coco_file_that_is_broken(content, message, coco):
    (coco / 'coco/annotations/instances_val2017.json').write_text(content)
    assert states(COCO, coco) == ['bad']
    assert 'instances_val2017.json' in notes(COCO, coco) and message in notes(COCO, coco)


# ------------------------------------------------------------------------------------- STL-10


def test_stl10(tmp_path):
    write_stl10(tmp_path / 'stl10_binary', train=4, test=3, unlabeled=2)
    check = Stl10Split('stl10_binary', 'train', 4)
    assert states(check, tmp_path) == ['ok']
    assert states(Stl10Split('stl10_binary', 'unlabeled', 2), tmp_path) == ['ok']
    assert states(Stl10Split('stl10_binary', 'test', 8000), tmp_path) == ['bad']
    images = tmp_path / 'stl10_binary/train_X.bin'
    images.write_bytes(images.read_bytes()[:-1])
    assert states(check, tmp_path) == ['bad'] and str(images) in notes(check, tmp_path)
    images.unlink()
    assert states(check, tmp_path) == ['missing']


def test_digests(tmp_path):
    for name in 'abc':
        (tmp_path / name).write_bytes(name.encode())
    check = Digests('.', {name: f'md5:{hashlib.md5(name.encode()).hexdigest()}' for name in 'abc'})
    assert states(check, tmp_path) == ['ok']
    (tmp_path / 'b').unlink()
    assert states(check, tmp_path) == ['missing']
    (tmp_path / 'b').write_bytes(b'x')
    assert states(check, tmp_path) == ['bad'] and 'published bytes: b' in notes(check, tmp_path)

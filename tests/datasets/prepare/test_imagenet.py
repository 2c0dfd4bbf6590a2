"""ImageNet, put there by hand: unpacked and sorted as its development kit says."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision.datasets.imagenet import ARCHIVE_META

from infomin_plugin.datasets import ImageFolder
from infomin_plugin.datasets.prepare import check, prepare
from infomin_plugin.datasets.prepare.checks import Images
from infomin_plugin.datasets.prepare.sources import IMAGENET

CLASSES = ('n01440764', 'n01443537', 'n02084071')
VAL = (3, 1, 2, 1, 3, 2)  # class numbers of the validation images in the order of their names


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def tar(path, files):
    """Write a tar; gives its bytes."""
    with tarfile.open(path, 'w:gz' if path.suffix == '.gz' else 'w') as archive:
        for name, data in files.items():
            add(archive, name, data)
    return path.read_bytes()


def jpeg(value):
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(file, 'JPEG')
    return file.getvalue()


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """The set's table with small numbers, and a root with small archives put there by hand."""
    folder = tmp_path / 'data/archives/imagenet'
    folder.mkdir(parents=True)
    inner = {f'{name}.tar': tar(tmp_path / f'{name}.tar', {
        f'{name}_{i}.JPEG': jpeg(10 * i) for i in range(2)}) for name in CLASSES}
    # fields as in ILSVRC2012's meta.mat; the last row is no leaf of the tree
    synsets = np.array(
        [(i + 1, name, 'a word, another', '', 0) for i, name in enumerate(CLASSES)]
        + [(4, 'n00001740', 'entity', '', 3)],
        [(key, object) for key in ('ILSVRC2012_ID', 'WNID', 'words', 'gloss', 'num_children')])
    meta = io.BytesIO()
    scipy.io.savemat(meta, dict(synsets=synsets[:, None]))
    truth = ''.join(f'{number}\n' for number in VAL).encode()
    content = dict(
        train=inner,
        val={f'ILSVRC2012_val_{i:08d}.JPEG': jpeg(20 * i) for i in range(len(VAL))},
        devkit={'ILSVRC2012_devkit_t12/data/meta.mat': meta.getvalue(),
                'ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt': truth})
    for part, files in content.items():
        name = ARCHIVE_META[part][0]
        md5 = hashlib.md5(tar(folder / name, files)).hexdigest()
        monkeypatch.setitem(ARCHIVE_META, part, (name, md5))
    train, val = IMAGENET.archives
    return replace(IMAGENET, archives=(
        replace(train, checks=(Images('imagenet/train', 6, 3), )),
        replace(val, checks=(Images('imagenet/val', 6, 3), ))))


def test_imagenet_is_sorted_into_classes(imagenet, tmp_path):
    root = tmp_path / 'data'
    report = prepare(imagenet, root)
    assert report.complete and report.problems == ()
    train = ImageFolder(str(root / 'imagenet/train'), with_labels=True)
    val = ImageFolder(str(root / 'imagenet/val'), with_labels=True, test_mode=True)
    assert train.metainfo['classes'] == val.metainfo['classes'] == CLASSES
    assert len(train) == 6
    labels = {info['img_path'].split('_')[-1]: info['gt_label'] for info in val.load_data_list()}
    assert [labels[f'{i:08d}.JPEG'] for i in range(6)] == [number - 1 for number in VAL]
    assert sorted(file.name for file in (root / 'imagenet').iterdir()) == ['train', 'val']
    assert (root / 'archives/imagenet/ILSVRC2012_img_train.tar').is_file()  # put there by hand


def test_imagenet_without_archives(imagenet, tmp_path):
    for look in (check, prepare):
        report = look(imagenet, tmp_path / 'other')
        assert [row.status for row in report.rows] == ['missing', 'missing']
        text, = report.problems
        assert f"{tmp_path / 'other/archives/imagenet'}/ILSVRC2012_img_val.tar " in text
        assert 'https://image-net.org' in text and 'imagenet/{train,val}/CLASS/*.JPEG' in text


def test_imagenet_archive_that_is_cut_short(imagenet, tmp_path):
    archive = tmp_path / 'data/archives/imagenet/ILSVRC2012_img_train.tar'
    archive.write_bytes(archive.read_bytes()[:-1])
    report = prepare(imagenet, tmp_path / 'data')
    assert [row.status for row in report.rows] == ['missing', 'ok', 'ok']
    assert str(archive) in report.problems[0] and 'corrupted' in report.problems[0]
    assert sorted(file.name for file in (tmp_path / 'data/imagenet').iterdir()) == ['val']


def test_imagenet_folder_that_is_there_is_not_touched(imagenet, tmp_path):
    own = tmp_path / 'data/imagenet/val/mine.JPEG'
    own.parent.mkdir(parents=True)
    own.write_bytes(jpeg(0))
    report = prepare(imagenet, tmp_path / 'data')
    assert [row.status for row in report.rows] == ['ok', 'ok', 'missing', 'ok']
    assert 'imagenet/val is there, but is not complete: move it away' in report.problems[0]
    assert own.read_bytes() == jpeg(0)

"""ImageNet, put there by hand: unpacked and sorted as its development kit says."""

import hashlib
import io
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision.datasets.imagenet import ARCHIVE_META

from infomin_plugin.datasets import ImageFolder
from infomin_plugin.datasets.prepare import PrepareError, check, prepare
from infomin_plugin.datasets.prepare.checks import Images
from infomin_plugin.datasets.prepare.imagenet import unpack_train
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
    md5 = {part: hashlib.md5(tar(folder / ARCHIVE_META[part][0], files)).hexdigest()
           for part, files in content.items()}
    monkeypatch.setitem(ARCHIVE_META, 'devkit', (ARCHIVE_META['devkit'][0], md5['devkit']))
    return replace(IMAGENET, archives=tuple(
        replace(archive, digest=f'md5:{md5[part]}', checks=(Images(f'imagenet/{part}', 6, 3), ))
        for archive, part in zip(IMAGENET.archives, ('train', 'val'), strict=True)))


def tree(folder):
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob('*') if file.is_file()}


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
    assert str(archive) in report.problems[0] and 'has not the checksum' in report.problems[0]
    assert sorted(file.name for file in (tmp_path / 'data/imagenet').iterdir()) == ['val']


def test_imagenet_folder_that_is_there_is_not_touched(imagenet, tmp_path):
    own = tmp_path / 'data/imagenet/val/mine.JPEG'
    own.parent.mkdir(parents=True)
    own.write_bytes(jpeg(0))
    report = prepare(imagenet, tmp_path / 'data')
    assert [row.status for row in report.rows] == ['ok', 'ok', 'missing', 'ok']
    assert 'imagenet/val is there, but is not complete: move it away' in report.problems[0]
    assert own.read_bytes() == jpeg(0)


def recording(seen, stop_at=None):
    """A watch that keeps what it is told, and is stopped as its n-th message of one kind comes."""
    @contextmanager
    def watch(what, measured):
        def update(done, total):
            seen.setdefault(what, []).append((done, total))
            if stop_at == (what, len(seen[what])):
                raise KeyboardInterrupt

        yield update

    return watch


@pytest.mark.parametrize('part', ['train', 'val'])
@pytest.mark.parametrize('stop_at, complete', [
    (1, 0), (3, 1), (4, 1), (6, 2), (8, 2), (9, 3)])  # three calls a class: images, then itself
def test_imagenet_goes_on_where_it_was_cut_off(part, stop_at, complete, imagenet, tmp_path):
    root, other = tmp_path / 'data', tmp_path / 'other'
    shutil.copytree(root / 'archives', other / 'archives')
    prepare(imagenet, other)
    name = f'ILSVRC2012_img_{part}.tar'
    with pytest.raises(KeyboardInterrupt):
        prepare(imagenet, root, watch=recording({}, (f'unpacking {name}', stop_at)))
    assert not (root / 'imagenet' / part).exists()
    aside = root / f'imagenet/.{part}.part'
    assert [row.found for row in check(imagenet, root).rows if row.what == f'imagenet/{part}'] == [
        '0 images in 0 classes']
    classes = [folder for folder in sorted(aside.iterdir()) if not folder.name.startswith('.')]
    assert [folder.name for folder in classes] == list(CLASSES[:complete])
    finished = {file.stat().st_ino for folder in classes for file in folder.iterdir()}

    seen = {}
    assert prepare(imagenet, root, watch=recording(seen)).complete
    assert tree(root / 'imagenet') == tree(other / 'imagenet')
    assert len(seen.get(f'unpacking {name}', [])) == 3 * (len(CLASSES) - complete)
    assert f'reading {name}' not in seen  # its checksum was compared
    images = [file for file in (root / 'imagenet' / part).rglob('*') if file.is_file()]
    assert finished <= {file.stat().st_ino for file in images}


def test_imagenet_tells_how_far_it_is(imagenet, tmp_path):
    seen = {}
    prepare(imagenet, tmp_path / 'data', watch=recording(seen))
    for part in ('train', 'val'):
        told = seen[f'unpacking ILSVRC2012_img_{part}.tar']
        (total, ) = {total for _, total in told}
        done = [done for done, _ in told]
        assert done == sorted(done) and 0 < done[0] < done[-1] == total


def test_imagenet_disk_that_is_full(imagenet, tmp_path, monkeypatch):
    root = tmp_path / 'data'
    with pytest.raises(KeyboardInterrupt):
        prepare(imagenet, root, watch=recording({}, ('unpacking ILSVRC2012_img_train.tar', 3)))
    needed = sum((tmp_path / f'{name}.tar').stat().st_size for name in CLASSES[1:])
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'disk_usage', lambda _: SimpleNamespace(free=needed - 1))
        problem = prepare(imagenet, root).problems[0]
    assert f'train.tar cannot be unpacked: {needed:,} bytes are needed' in problem
    assert prepare(imagenet, root).complete


def member(name, kind=tarfile.REGTYPE, linkname=''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


@pytest.mark.parametrize('outer, inner, message', [
    (member('../n01440764.tar'), None, "member '../n01440764.tar' would be written outside"),
    (member('n01440764.tar', tarfile.SYMTYPE, '/etc'), None, "'n01440764.tar' is a link"),
    (member('labels.txt'), None, "its member 'labels.txt' is not the tar of a class"),
    (None, member('../../../evil'), r"n01440764.tar is refused: its member '../../../evil' would"),
    (None, member('/infomin_evil'), "its member '/infomin_evil' would be written outside"),
    (None, member('a.JPEG', tarfile.SYMTYPE, '/etc/passwd'), "its member 'a.JPEG' is a link"),
    (None, member('a.JPEG', tarfile.LNKTYPE, '/etc/passwd'), "its member 'a.JPEG' is a link"),
    (None, member('a.JPEG', tarfile.FIFOTYPE), "its member 'a.JPEG' is a device"),
])
def test_imagenet_archive_that_leads_elsewhere(outer, inner, message, tmp_path):
    within = io.BytesIO()
    with tarfile.open(fileobj=within, mode='w') as archive:
        add(archive, 'n01440764_0.JPEG', jpeg(0))
        if inner:
            archive.addfile(inner)
    path = tmp_path / 'train.tar'
    with tarfile.open(path, 'w') as archive:
        add(archive, 'n01440764.tar', within.getvalue())
        if outer:
            archive.addfile(outer)
    with pytest.raises(PrepareError, match=message):
        unpack_train(path, tmp_path / 'out')
    assert list(tree(tmp_path)) == ['train.tar']


def test_imagenet_class_that_is_cut_short(tmp_path):
    whole = tar(tmp_path / 'class.tar', {f'{i}.JPEG': bytes(10_000) for i in range(2)})
    path = tmp_path / 'train.tar'
    tar(path, {'n01440764.tar': whole, 'n01443537.tar': whole[:12_000]})
    with pytest.raises(PrepareError, match=r'n01443537.tar \(12000 bytes\) is no complete archive'):
        unpack_train(path, tmp_path / 'out')
    assert {name.split('/')[0] for name in tree(tmp_path / 'out/.train.part')} == {'n01440764'}
    assert not (tmp_path / 'out/train').exists()

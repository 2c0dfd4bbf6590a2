"""Images, archives, caches and logs that are not what they say."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from bounded import run_bounded
from PIL import Image

from infomin_plugin.datasets.bounds import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from infomin_plugin.datasets.cached_features import CachedFeatures, write_features
from infomin_plugin.datasets.colorful_moving_mnist.digits import load_digits
from infomin_plugin.datasets.mini.sources import CutoutFolder, PhotographFolder
from infomin_plugin.datasets.prepare import archives
from infomin_plugin.datasets.stl10 import STL10
from infomin_plugin.datasets.transforms import LoadImage
from infomin_plugin.engine.results.dumped_configs import read_config
from infomin_plugin.engine.results.work_dirs import find_work_dirs

MEGABYTES = 128


class Marker:
    """Pickles as a call that leaves a file, which is how running code is told."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


# --- images


def png(width, height, rows=1):
    """A header of that size, and a few rows of zeros."""
    def chunk(kind, data):
        return (struct.pack('>I', len(data)) + kind + data
                + struct.pack('>I', zlib.crc32(kind + data)))

    header = struct.pack('>2I5B', width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes((3 * width + 1) * rows), 9)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', data)
            + chunk(b'IEND', b''))


def jpeg(width, height):
    """A small one that says that it is large."""
    out = io.BytesIO()
    Image.new('RGB', (8, 8)).save(out, 'jpeg')
    data = bytearray(out.getvalue())
    place = data.index(b'\xff\xc0') + 5
    data[place:place + 4] = struct.pack('>2H', height, width)
    return bytes(data)


@pytest.mark.parametrize(('name', 'data', 'message'), [
    ('a.png', png(60_000, 60_000), 'pixels'), ('a.png', png(2**31 - 1, 2**31 - 1, 0), 'pixels'),
    ('a.png', png(MAX_SIDE + 1, 1), 'at most'), ('a.png', png(10_000, 9_000), 'at most'),
    ('a.jpg', jpeg(65_535, 65_535), 'pixels'), ('a.jpg', jpeg(10_000, 9_000), 'at most'),
    ('a.png', png(0, 5), 'cannot read image')])
def test_images_of_absurd_size(name, data, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    for reduce in (False, True):
        found, said = run_bounded(
            lambda reduce=reduce: LoadImage(reduce).transform(dict(img_path=str(path))), MEGABYTES)
        assert found == 'ImageError' and str(path) in said and message in said
        assert 'emory' not in said


def test_the_largest_image_is_read(tmp_path):
    """The bound of pixels is no smaller than it says."""
    side = 3000
    Image.new('L', (side, side)).save(tmp_path / 'a.png')
    assert side * side < MAX_PIXELS < MAX_BYTES
    results = LoadImage().transform(dict(img_path=str(tmp_path / 'a.png')))
    assert results['ori_shape'] == (side, side)


def test_files_of_absurd_size_are_not_read(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(png(5, 5))
    os.truncate(path, MAX_BYTES + 1)  # sparse: takes no disk
    found, said = run_bounded(lambda: LoadImage().transform(dict(img_path=str(path))), MEGABYTES)
    assert found == 'ImageError' and 'bytes, at most' in said


@pytest.mark.parametrize('kind', ['photographs', 'cutouts'])
def test_images_of_absurd_size_in_folders_of_ones_own(kind, tmp_path):
    folder = tmp_path / kind / 'cat'
    folder.mkdir(parents=True)
    for name in ('a.png', 'b.png'):
        (folder / name).write_bytes(png(20_000, 20_000))
    read = ((lambda: PhotographFolder(folder).load()) if kind == 'photographs' else
            (lambda: CutoutFolder(folder.parent).load(80)))
    found, said = run_bounded(read, MEGABYTES)
    assert found == 'ValueError' and 'a.png' in said and 'pixels' in said


# --- archives


def tar_of(member, data=b''):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as archive:
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def header_of(size, kind):
    """A tar whose header has an extension of so many bytes, all zeros."""
    info = tarfile.TarInfo('x')
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def check_unpacked(tmp_path, data, name, message):
    path, out = tmp_path / name, tmp_path / 'out'
    path.write_bytes(data)
    found, said = run_bounded(lambda: archives.unpack(path, out), MEGABYTES)
    assert found == 'PrepareError' and name in said and message in said, (found, said)
    assert 'emory' not in said
    assert list(out.rglob('*')) == []


@pytest.mark.parametrize('compress', [gzip.compress, bz2.compress, lzma.compress])
def test_archives_of_zeros(compress, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'SLACK', 1 << 20)
    size = 1 << 24
    bomb = compress(header_of(size, tarfile.REGTYPE) + bytes(size) + bytes(1024))
    assert len(bomb) < size / 500
    check_unpacked(tmp_path, bomb, 'a.tar.x', 'would unpack to more than')


@pytest.mark.parametrize('kind', [
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_headers_of_zeros(kind, tmp_path):
    """The standard library reads a header as a whole."""
    size = 1 << 24
    bomb = gzip.compress(header_of(size, kind) + bytes(size) + bytes(1024))
    check_unpacked(tmp_path, bomb, 'a.tar.gz', 'a header of')


def test_zips_of_zeros(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, 'SLACK', 1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a', bytes(1 << 24))
    check_unpacked(tmp_path, out.getvalue(), 'a.zip', 'would unpack to more than')


@pytest.mark.parametrize('name', ['../x', '/tmp/x', 'a/../../x'])
def test_members_that_lead_out(name, tmp_path):
    check_unpacked(tmp_path, tar_of(tarfile.TarInfo(name)), 'a.tar', 'outside the folder')


@pytest.mark.parametrize('compress', [gzip.compress, bz2.compress, lzma.compress])
def test_damaged_streams(compress, tmp_path):
    member = tarfile.TarInfo('x')
    member.size = 50_000
    data = bytearray(compress(tar_of(member, np.random.default_rng(0).bytes(member.size))))
    data[len(data) // 2] ^= 255
    check_unpacked(tmp_path, bytes(data), 'a.tar.x', 'is no complete archive')


# --- caches, digits, STL-10


@pytest.fixture
def cache(tmp_path):
    """A folder of three features."""
    folder = tmp_path / 'cache'
    write_features(folder, [(np.ones((3, 2), np.float32), np.arange(3), ['a', 'b', 'c'])],
                   dict(images=3, classes=['x', 'y', 'z']))
    assert CachedFeatures(str(folder))[2]['gt_label'] == 2
    return folder


def npy(shape, descr='<f4', data=b''):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(-(len(text) + 11) % 64 + len(text)) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode() + data


@pytest.mark.parametrize('file', ['features.npy', 'labels.npy'])
def test_caches_that_lie(file, cache, tmp_path):
    proof = tmp_path / 'proof'
    objects = io.BytesIO()
    np.save(objects, np.array([Marker(proof)], object), allow_pickle=True)
    archive = io.BytesIO()
    np.savez(archive, a=np.ones(3))
    for data in (npy((2**40, 2)), npy((2**62, 2**62)), npy((-1, 2)), npy((3, 2), '<f8', bytes(48)),
                 npy((3, ), '<i4', bytes(12)), objects.getvalue(), archive.getvalue(), b'',
                 pickle.dumps(Marker(proof)), npy((3, ), '|O', bytes(24)),
                 npy('__import__("os").system("true")')):
        (cache / file).write_bytes(data)
        found, said = run_bounded(lambda: CachedFeatures(str(cache)), MEGABYTES)
        assert found == 'ValueError' and file in said, (found, said, data[:100])
    assert not proof.exists()


@pytest.mark.parametrize('label', [-1, 3, 2**62])
def test_labels_of_no_class(label, cache):
    np.save(cache / 'labels.npy', np.array([0, 1, label]))
    with pytest.raises(ValueError, match='labels.npy has labels outside the 3 classes'):
        CachedFeatures(str(cache))


@pytest.mark.parametrize('text', ['[' * 100_000, '{}', '[]', '{"classes": 7}', 'NaN', '\x00'])
def test_descriptions_that_are_none(text, cache):
    (cache / 'description.json').write_text(text)
    with pytest.raises(ValueError, match='description.json does not describe a cache'):
        CachedFeatures(str(cache))


def test_digits_are_not_unpickled(tmp_path):
    """torchvision's MNIST runs what is in ``MNIST/processed``, where that is."""
    processed, proof = tmp_path / 'MNIST/processed', tmp_path / 'proof'
    processed.mkdir(parents=True)
    for name in ('training.pt', 'test.pt'):
        (processed / name).write_bytes(pickle.dumps(Marker(proof), 2))
    with pytest.raises(FileNotFoundError, match='MNIST/raw below it'):
        load_digits('mnist', str(tmp_path), 'train', 28)
    assert not proof.exists()


@pytest.mark.parametrize('images', [
    struct.pack('>4i', 2051, 2**31 - 1, 2**31 - 1, 28), struct.pack('>4i', 2051, 2, 28, 28), b'',
    struct.pack('>4i', 2051, -1, 28, 28), struct.pack('>2i', 2049, 5) + bytes(5),
    struct.pack('>4i', 2051, 1, 2, 3) + bytes(6), struct.pack('>4i', 2051, 5, 0, 0),
    struct.pack('>4i', 2051, 2, 2, 2) + bytes(8)])
def test_digits_that_lie(images, tmp_path):
    raw = tmp_path / 'MNIST/raw'
    raw.mkdir(parents=True)
    (raw / 'train-images-idx3-ubyte').write_bytes(images)
    (raw / 'train-labels-idx1-ubyte').write_bytes(struct.pack('>2i', 2049, 5) + bytes(5))
    found, said = run_bounded(lambda: load_digits('mnist', str(tmp_path), 'train', 28), MEGABYTES)
    assert found == 'ValueError' and 'train-images-idx3-ubyte' in said


@pytest.mark.parametrize(('name', 'data', 'message'), [
    ('class_names.txt', b'\xff\xfe\xff', 'class_names.txt is no text'),
    ('train_y.bin', b'\x01\xff', 'train_y.bin has labels 1…255'),
    ('train_y.bin', bytes(1), 'train_y.bin has 1 labels'),
    ('train_X.bin', bytes(100), 'train_X.bin has 100 bytes'),
    ('fold_indices.txt', b'0 x\n' * 10, 'fold_indices.txt: fold 0'),
    ('fold_indices.txt', (b'9' * 5000 + b'\n') * 10, 'fold_indices.txt: fold 0'),
    ('fold_indices.txt', b'-1\n' * 10, 'fold_indices.txt: fold 0')])
def test_stl10_files_that_lie(name, data, message, tmp_path):
    files = {'class_names.txt': b'cat\ndog\n', 'train_y.bin': b'\x01\x02',
             'train_X.bin': bytes(2 * 3 * 96 * 96), 'fold_indices.txt': b'0 1\n' * 10}
    for file, content in (files | {name: data}).items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        STL10(str(tmp_path), fold=0)


# --- what runs leave behind


def test_configs_and_logs_of_others(tmp_path):
    """None of them ends the search of a folder of results, and none is executed."""
    proof = tmp_path / 'proof'
    texts = dict(
        call=f'a = open({str(proof)!r}, "w")', deep='a = ' + '(' * 1000,
        minus='a = ' + '-' * 200_000, plus='a = 1' + '+1' * 100_000, digits='a = ' + '9' * 10_000,
        nul='a = "\0"', lists='a = ' + '[' * 150 + ']' * 150, surrogate='a = "\\ud800"',
        dots='a = b' + '.c' * 50_000)
    for name, text in texts.items():
        folder = tmp_path / f'run_{name}/20240101_000000/vis_data'
        folder.mkdir(parents=True)
        (folder / 'config.py').write_text(text)
        (folder / 'scalars.json').write_text('[' * 100_000 + '\n' + '{"a": ' + '9' * 5000 + '}\n{}')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found, unreadable = find_work_dirs([tmp_path])
    assert len(found) + len(unreadable) == len(texts)
    assert {path.parts[-4] for path, _ in unreadable} >= {'run_call', 'run_deep', 'run_plus'}
    assert not proof.exists()


def test_configs_of_absurd_size(tmp_path):
    (tmp_path / 'config.py').write_bytes(b'')
    os.truncate(tmp_path / 'config.py', 1 << 32)
    found, said = run_bounded(lambda: read_config(tmp_path / 'config.py'), MEGABYTES)
    assert found == 'ConfigTextError' and 'config.py' in said


def test_tests_of_others(tmp_path):
    folder = tmp_path / 'run/20240101_000000'
    (folder / 'vis_data').mkdir(parents=True)
    (folder / 'vis_data/config.py').write_text('a = 1')
    for text in ('[' * 100_000, json.dumps('x')[:-1], '9' * 5000):
        (folder / '20240101_000000.json').write_text(text)
        found, unreadable = find_work_dirs([tmp_path])
        assert found == [] and 'is not JSON' in unreadable[0][1]

"""Archives: what the standard library unpacks, and nothing outside the folder."""

import io
import shutil
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from infomin_plugin.datasets.prepare import PrepareError
from infomin_plugin.datasets.prepare.archives import unpack

FILES = {f'set/{name}': np.random.default_rng(len(name)).bytes(20_000)
         for name in ('a.jpg', 'b/bb.jpg', 'b/c/ccc.xml', '.hidden')}


def write_tar(path, files, *members):
    with tarfile.open(path, 'w:gz' if path.suffix == '.gz' else 'w') as archive:
        folder = tarfile.TarInfo('./set')
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, '/etc/passwd'
            archive.addfile(info)
    return path


def write_zip(path, files, *members):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('set/', '')
        for name, data in files.items():
            archive.writestr(name, data)
        for name, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, '/etc/passwd')
    return path


def tree(folder):
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob('*') if file.is_file()}


@pytest.mark.parametrize('name', ['x.tar', 'x.tar.gz', 'x.zip'])
def test_same_as_the_standard_library(name, tmp_path):
    archive = (write_zip if name.endswith('zip') else write_tar)(tmp_path / name, FILES)
    (tmp_path / 'ours/set').mkdir(parents=True)
    (tmp_path / 'ours/set/a.jpg').write_bytes(b'an older one')
    seen = []
    unpack(archive, tmp_path / 'ours', lambda *state: seen.append(state))
    shutil.unpack_archive(archive, tmp_path / 'theirs')
    assert tree(tmp_path / 'ours') == tree(tmp_path / 'theirs') == FILES
    assert seen == [(20_000 * i, 80_000) for i in (1, 2, 3, 4)]


@pytest.mark.parametrize('name', ['../evil', 'set/../../evil', '/infomin_evil', '..'])
@pytest.mark.parametrize('write', [write_tar, write_zip])
def test_name_that_leads_outside(write, name, tmp_path):
    archive = write(tmp_path / 'bad.archive', {**FILES, name: b'x'})
    with pytest.raises(PrepareError, match=f'bad.archive is refused: its member {name!r} would'):
        unpack(archive, tmp_path / 'out/in')
    assert [file.name for file in tmp_path.rglob('*') if file.is_file()] == ['bad.archive']


@pytest.mark.parametrize('write, kind, word', [
    (write_tar, tarfile.SYMTYPE, 'link'),
    (write_tar, tarfile.LNKTYPE, 'link'),
    (write_tar, tarfile.FIFOTYPE, 'device'),
    (write_tar, tarfile.CHRTYPE, 'device'),
    (write_zip, stat.S_IFLNK | 0o777, 'link'),
    (write_zip, stat.S_IFIFO | 0o777, 'device'),
])
def test_neither_file_nor_folder(write, kind, word, tmp_path):
    archive = write(tmp_path / 'bad.archive', FILES, ('set/odd', kind))
    with pytest.raises(PrepareError, match=f"its member 'set/odd' is a {word}"):
        unpack(archive, tmp_path / 'out')
    assert tree(tmp_path / 'out') == {}


@pytest.mark.parametrize('name', ['x.tar', 'x.tar.gz', 'x.zip'])
def test_archive_that_is_cut_short(name, tmp_path):
    archive = (write_zip if name.endswith('zip') else write_tar)(tmp_path / name, FILES)
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(PrepareError, match=rf'{archive} \(50000 bytes\) is no complete archive'):
        unpack(archive, tmp_path / 'out')
    for file, data in tree(tmp_path / 'out').items():
        assert data == FILES[file]


def test_damaged_member_does_not_get_its_name(tmp_path):
    archive = write_zip(tmp_path / 'x.zip', FILES)
    data = bytearray(archive.read_bytes())
    at = data.index(FILES['set/b/bb.jpg']) + 10_000
    data[at] ^= 1
    archive.write_bytes(data)
    with pytest.raises(PrepareError, match=r"CRC-32 for file 'set/b/bb.jpg'"):
        unpack(archive, tmp_path / 'out')
    assert tree(tmp_path / 'out') == {'set/a.jpg': FILES['set/a.jpg']}


def test_full_disk_is_told_before(tmp_path, monkeypatch):
    archive = write_zip(tmp_path / 'x.zip', FILES)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: SimpleNamespace(free=79_999))
    with pytest.raises(PrepareError, match='x.zip cannot be unpacked: 80,000 bytes are needed'):
        unpack(archive, tmp_path / 'out')
    assert tree(tmp_path / 'out') == {}

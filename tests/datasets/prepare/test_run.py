"""Whole sets, small ones, from a local server to the folders that configs read."""

import hashlib
import io
import os
import shutil
import tarfile
from contextlib import contextmanager
from dataclasses import replace

import pytest
from annotation_sets import TEST, TRAIN, write_coco, write_voc
from file_server import serving

from infomin_plugin.datasets.prepare import check, prepare
from infomin_plugin.datasets.prepare.sources import COCO2017, VOC0712


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')


@pytest.fixture
def server():
    with serving() as server:
        yield server


def small(archive, server, data, *counts):
    """The table's archive with other content, as the server has it at the table's path."""
    server.files['/' + archive.url.split('/', 3)[-1]] = data
    checks = tuple(replace(check, **count)
                   for check, count in zip(archive.checks, counts, strict=True))
    return replace(archive, digest=f'md5:{hashlib.md5(data).hexdigest()}', checks=checks)


def packed(folder, form):
    return open(shutil.make_archive(f'{folder}_{form}', form, folder), 'rb').read()


@pytest.fixture
def voc(server, tmp_path):
    """VOC07+12 with three lists, one archive each."""
    archives = []
    for archive, split, images in zip(VOC0712.archives, ('trainval', 'test', 'trainval'),
                                      (TRAIN, TEST, TRAIN), strict=True):
        folder = tmp_path / archive.file
        write_voc(folder / archive.checks[0].folder, {split: images})
        archives.append(small(archive, server, packed(folder, 'tar'),
                              dict(images=len(images), classes=3 if images is TRAIN else 2)))
    return replace(VOC0712, archives=tuple(archives))


def states(report):
    return [row.status for row in report.rows]


def test_voc_from_nothing_and_again(voc, server, tmp_path):
    root = tmp_path / 'data'
    before = check(voc, root)
    assert states(before) == ['missing'] * 3 and not before.complete and not root.exists()
    assert [archive.url in problem for archive, problem in
            zip(voc.archives, before.problems, strict=True)] == [True] * 3

    report = prepare(voc, root, mirror=server.url)
    assert report.complete and report.problems == () and len(report.rows) == 6
    wanted = {'VOCdevkit/VOC2007/ImageSets/Main/test.txt'}
    for year, images in ((2007, 'abc'), (2012, 'ab')):
        names = ['ImageSets/Main/trainval.txt', *(f'JPEGImages/{i}.jpg' for i in images),
                 *(f'Annotations/{i}.xml' for i in images)]
        wanted |= {f'VOCdevkit/VOC{year}/{name}' for name in names}
    assert {str(file.relative_to(root)) for file in root.rglob('*') if file.is_file()} == wanted

    count = len(server.requests)
    assert count == 3
    assert prepare(voc, root, mirror=server.url).complete and check(voc, root).complete
    assert len(server.requests) == count  # nothing was asked for again


def test_only_what_is_missing_is_fetched(voc, server, tmp_path):
    root = tmp_path / 'data'
    prepare(voc, root, mirror=server.url)
    server.requests.clear()
    (root / 'VOCdevkit/VOC2007/JPEGImages/c.jpg').unlink()  # of the test list
    assert states(check(voc, root)) == ['ok', 'ok', 'missing', 'ok', 'ok']
    assert prepare(voc, root, mirror=server.url).complete
    assert [request['path'] for request in server.requests] == [
        '/pascal/VOC/voc2007/VOCtest_06-Nov-2007.tar']


def test_what_is_wrong_is_told_and_neither_fetched_nor_replaced(voc, server, tmp_path):
    root = tmp_path / 'data'
    prepare(voc, root, mirror=server.url)
    server.requests.clear()
    broken = root / 'VOCdevkit/VOC2012/Annotations/b.xml'
    broken.write_text('<annotation>')
    report = prepare(voc, root, mirror=server.url)
    assert not report.complete and states(report)[-2:] == ['bad', 'ok']
    assert str(broken) in report.rows[-2].note and 'Delete' in report.rows[-2].note
    assert server.requests == [] and broken.read_text() == '<annotation>'
    broken.unlink()  # as it says
    assert prepare(voc, root, mirror=server.url).complete


def test_archives_are_kept_if_wanted_and_used_if_there(voc, server, tmp_path):
    root = tmp_path / 'data'
    assert prepare(voc, root, mirror=server.url, keep_archives=True).complete
    kept = root / 'archives/voc0712'
    assert {file.name for file in kept.iterdir()} == {archive.file for archive in voc.archives}
    shutil.rmtree(root / 'VOCdevkit')
    server.files.clear()
    assert prepare(voc, root, mirror=server.url).complete
    assert all((kept / archive.file).is_file() for archive in voc.archives)  # not its to delete

    shutil.rmtree(root / 'VOCdevkit')
    wrong = kept / voc.archives[0].file
    wrong.write_bytes(b'<html>')
    report = prepare(voc, root, mirror=server.url)
    assert states(report) == ['missing', 'ok', 'ok', 'ok', 'ok']
    assert f'{wrong} has not the checksum md5:' in report.problems[0]
    assert wrong.read_bytes() == b'<html>'


def test_checksum_is_compared_once(voc, server, tmp_path):
    root, read = tmp_path / 'data', []

    @contextmanager
    def watch(what, measured):
        yield lambda done, total: read.append(what) if what.startswith('reading') else None

    def again():
        read.clear()
        shutil.rmtree(root / 'VOCdevkit')
        assert prepare(voc, root, watch=watch).complete
        return read

    prepare(voc, root, mirror=server.url, keep_archives=True)
    wanted = [f'reading {archive.file}' for archive in voc.archives]
    assert again() == wanted
    assert again() == []
    changed = root / 'archives/voc0712' / voc.archives[1].file
    os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1))
    assert again() == wanted[1:2]


def test_one_archive_that_fails_does_not_stop_the_others(voc, server, tmp_path):
    del server.files['/pascal/VOC/voc2007/VOCtest_06-Nov-2007.tar']
    wrong = '/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar'
    server.files[wrong] += b'x'
    report = prepare(voc, tmp_path / 'data', mirror=server.url)
    assert states(report) == ['ok', 'ok', 'missing', 'missing'] and not report.complete
    first, second = report.problems
    assert 'VOCtest_06-Nov-2007.tar cannot be downloaded: HTTP Error 404' in first
    assert f'what {server.url}{wrong} gave has not the checksum md5:' in second


def test_archive_that_leads_outside(voc, server, tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w') as archive:
        archive.addfile(tarfile.TarInfo('../evil'))
    bad = small(voc.archives[0], server, data.getvalue(), {})
    report = prepare(replace(voc, archives=(bad, )), tmp_path / 'data', mirror=server.url)
    assert states(report) == ['missing'] and "'../evil'" in report.problems[0]
    assert not (tmp_path / 'evil').exists() and not (tmp_path / 'data/evil').exists()


def test_coco(server, tmp_path):
    write_coco(tmp_path / 'all', {'train2017': TRAIN}, 'train2017')
    write_coco(tmp_path / 'all', {'val2017': TEST}, 'val2017')
    archives = []
    for archive, counts in zip(COCO2017.archives, (
            [dict(images=2)], [dict(images=1)],
            [dict(images=2, classes=3), dict(images=1, classes=3)]), strict=True):
        name = archive.file.split('_')[0].removesuffix('.zip')
        shutil.copytree(tmp_path / 'all' / name, tmp_path / archive.file / name)
        archives.append(small(archive, server, packed(tmp_path / archive.file, 'zip'), *counts))
    source = replace(COCO2017, archives=tuple(archives))
    assert prepare(source, tmp_path / 'data', mirror=f'{server.url}/').complete
    assert {str(f.relative_to(tmp_path / 'data/coco'))
            for f in (tmp_path / 'data/coco').rglob('*') if f.is_file()} == {
        'train2017/a.jpg', 'train2017/b.jpg', 'val2017/c.jpg',
        'annotations/instances_train2017.json', 'annotations/instances_val2017.json'}

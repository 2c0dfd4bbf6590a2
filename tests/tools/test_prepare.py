"""The command line that prepares data sets."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_sets import write_image
from file_server import serving
from tool_modules import load_tool

from infomin_plugin.datasets.prepare import SOURCES

TOOL = Path(__file__).parents[2] / 'tools/data/prepare.py'


@pytest.fixture
def tool():
    return load_tool(TOOL).main


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of a DIV2K of 3 + 2 images, which the tool is told of."""
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    monkeypatch.setenv('COLUMNS', '120')
    archives = []
    with serving() as server:
        for archive, images in zip(SOURCES['div2k'].archives, (3, 2), strict=True):
            path = tmp_path / archive.file
            with zipfile.ZipFile(path, 'w') as file:
                for i in range(images):
                    write_image(tmp_path / f'{i}.png')
                    file.write(tmp_path / f'{i}.png', f'{path.stem}/{i:04d}.png')
            data = path.read_bytes()
            server.files[f'/copies/cvl/DIV2K/{archive.file}'] = data
            archives.append(replace(
                archive, digest=f'sha256:{hashlib.sha256(data).hexdigest()}',
                checks=(replace(archive.checks[0], images=images), )))
        monkeypatch.setitem(SOURCES, 'div2k', replace(SOURCES['div2k'], archives=tuple(archives)))
        yield server


def test_prepares_from_a_mirror_then_checks(tool, server, tmp_path, capsys):
    args = ['div2k', '--root', str(tmp_path / 'data')]
    assert tool([*args, '--check-only']) == 1
    shown = capsys.readouterr()
    assert 'missing' in shown.out and not (tmp_path / 'data').exists()
    assert 'DIV2K_train_HR.zip (3.5 GB) is downloaded from https://data.vision' in shown.err

    assert tool([*args, '--mirror', f'{server.url}/copies', '--sample', '1']) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if 'DIV2K_' in line]
    assert len(lines) == 4 and all(' ok ' in line for line in lines)
    assert '3 images' in lines[0] and '1 decoded' in lines[1]
    assert (tmp_path / 'data/DIV2K/DIV2K_valid_HR/0001.png').is_file()
    assert list((tmp_path / 'data/archives/div2k').iterdir()) == []

    server.files.clear()
    assert tool([*args, '--check-only']) == 0
    (tmp_path / 'data/DIV2K/DIV2K_valid_HR/0000.png').write_bytes(b'broken')
    assert tool([*args, '--check-only']) == 1
    out = capsys.readouterr().out
    assert 'bad: DIV2K/DIV2K_valid_HR, sample: cannot read image' in out and '0000.png' in out


@pytest.mark.parametrize('change, message', [
    (lambda files: files.clear(), 'HTTP Error 404'),
    (lambda files: files.update(dict.fromkeys(files, b'<html>')), 'has not the checksum sha256:'),
])
def test_what_goes_wrong_is_said(change, message, tool, server, tmp_path, capsys):
    change(server.files)
    args = ['div2k', '--root', str(tmp_path / 'data'), '--mirror', f'{server.url}/copies']
    assert tool(args) == 1
    shown = capsys.readouterr()
    assert message in shown.err and 'missing' in shown.out


def test_keeps_archives(tool, server, tmp_path):
    assert tool(['div2k', '--root', str(tmp_path), '--mirror', f'{server.url}/copies',
                 '--keep-archives']) == 0
    assert {file.name for file in (tmp_path / 'archives/div2k').iterdir()} == {
        'DIV2K_train_HR.zip', 'DIV2K_valid_HR.zip'}


@pytest.mark.parametrize('args, message', [
    (['voc2007'], "invalid choice: 'voc2007'"),
    (['div2k', '--sample', '-1'], '--sample must be at least 0'),
])
def test_wrong_arguments(args, message, tool, capsys):
    with pytest.raises(SystemExit):
        tool(args)
    assert message in capsys.readouterr().err


def test_stopped_by_hand(tool, server, tmp_path, capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    args = ['div2k', '--root', str(tmp_path), '--mirror', f'{server.url}/copies']
    with monkeypatch.context() as patch:
        patch.setattr(shutil, 'copyfileobj', stop)  # in the middle of unpacking
        assert tool(args) == 130
    assert 'the same command goes on' in capsys.readouterr().err
    sent = server.sent
    assert tool(args) == 0 and server.requests[-1]['path'].endswith('DIV2K_valid_HR.zip')
    assert server.sent - sent == len(server.files['/copies/cvl/DIV2K/DIV2K_valid_HR.zip'])


def test_root_that_is_a_file(tool, tmp_path, capsys):
    (tmp_path / 'data').write_text('')
    assert tool(['div2k', '--root', str(tmp_path / 'data')]) == 1
    assert capsys.readouterr().err.startswith('error: ')


def test_command_line(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, 'imagenet', '--root', tmp_path, '--check-only'],
        env={**os.environ, 'PYTHONPATH': str(TOOL.parents[2])}, capture_output=True, text=True,
        check=False)
    assert done.returncode == 1
    assert '1,281,167' in done.stdout and 'ILSVRC2012_img_train.tar' in done.stderr
    assert 'Traceback' not in done.stderr

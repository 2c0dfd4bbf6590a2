"""The converter's command line, and what it must not overwrite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checkpoint_files import infomin, thin_trunk
from tool_modules import load_tool

from infomin_plugin.checkpoints import read_trunk

TOOL = Path(__file__).parents[2] / 'tools' / 'checkpoints' / 'convert.py'


@pytest.fixture(scope='module')
def convert():
    """The tool's main function."""
    return load_tool(TOOL).main


@pytest.fixture
def checkpoint(tmp_path):
    """A training checkpoint of a thin ResNet-18."""
    path = tmp_path / 'train.pth'
    torch.save(infomin(thin_trunk(18, 1), thin_trunk(18, 2)), path)
    return path


@pytest.mark.parametrize(('source', 'seed'), [('query', 1), ('momentum', 2)])
@pytest.mark.parametrize('layout', ['mmdet', 'torchvision', 'timm', 'detectron2', 'pycontrast'])
def test_writes_the_encoder_asked_for(layout, source, seed, convert, checkpoint, tmp_path, capsys):
    out = tmp_path / 'new' / 'out.pkl'
    convert([str(checkpoint), str(out), '--to', layout, '--from', source])
    state, expected = read_trunk(out).state_dict, thin_trunk(18, seed)
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    what, how = capsys.readouterr().out.splitlines()
    assert what.startswith(f'{out}: resnet18_base4, 120 tensors (from InfoMin training checkpoint')
    assert how.startswith('load: ') and str(out) in how


def test_command_line(checkpoint, tmp_path):
    done = subprocess.run(
        [sys.executable, TOOL, checkpoint, tmp_path / 'out.pkl', '--to', 'detectron2'],
        env={**os.environ, 'PYTHONPATH': str(TOOL.parents[2])},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'INPUT.FORMAT RGB' in done.stdout


def test_does_not_overwrite_unless_told(convert, checkpoint, tmp_path):
    out = tmp_path / 'out.pth'
    out.write_text('mine')
    with pytest.raises(SystemExit, match='error: .*out.pth exists.*--overwrite'):
        convert([str(checkpoint), str(out), '--to', 'timm'])
    assert out.read_text() == 'mine'
    convert([str(checkpoint), str(out), '--to', 'timm', '--overwrite'])
    assert 'conv1.weight' in torch.load(out, weights_only=True)


@pytest.mark.parametrize('name', ['train.pth', 'link.pth', 'hard.pth'])
@pytest.mark.parametrize('options', [[], ['--overwrite']])
def test_never_overwrites_the_checkpoint(options, name, convert, checkpoint, tmp_path):
    (tmp_path / 'link.pth').symlink_to(checkpoint)
    (tmp_path / 'hard.pth').hardlink_to(checkpoint)
    before = checkpoint.read_bytes()
    with pytest.raises(SystemExit, match='is the checkpoint itself'):
        convert([str(checkpoint), str(tmp_path / name), '--to', 'timm', *options])
    assert checkpoint.read_bytes() == before


def test_says_what_is_wrong(convert, checkpoint, tmp_path, capsys):
    out = str(tmp_path / 'out.pth')
    with pytest.raises(SystemExit, match='error: no checkpoint file at .*nowhere.pth'):
        convert([str(tmp_path / 'nowhere.pth'), out, '--to', 'timm'])
    with pytest.raises(SystemExit, match=r'error: .*out.pth: detectron2 reads .*ends in \.pkl'):
        convert([str(checkpoint), out, '--to', 'detectron2'])
    with pytest.raises(SystemExit, match='2'):
        convert([str(checkpoint), out])
    assert '--to' in capsys.readouterr().err
    assert not Path(out).exists()

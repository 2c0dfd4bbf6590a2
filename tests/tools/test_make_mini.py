import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from tool_modules import load_tool

from infomin_plugin.datasets.mini import make_mini

TOOL = Path(__file__).parents[2] / 'tools/data/make_mini.py'
COUNTS = dict(objects=20, pretrain=4, classify_train=10, classify_test=10, trainval=4, test=4)
ARGS = [f'--{name.replace("_", "-")}={value}' for name, value in COUNTS.items()]


def run(*args):
    command = [sys.executable, str(TOOL), *map(str, args)]
    environment = {**os.environ, 'PYTHONPATH': str(TOOL.parents[2])}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_makes_the_bytes_of_the_function_and_then_keeps_them(tmp_path):
    first = run(tmp_path / 'tool', '--seed', 5, *ARGS, '--object-scale', 0.5, 0.6)
    assert first.returncode == 0, first.stderr
    summary = first.stdout.splitlines()[-1]
    assert '10 classes; objects 20, classify/train 10' in summary and 'made in' in summary

    made = make_mini(tmp_path / 'function', seed=5, object_scale=(0.5, 0.6), **COUNTS)
    files = sorted(p.relative_to(made.root) for p in made.root.rglob('*') if p.is_file())
    there = sorted(
        p.relative_to(tmp_path / 'tool') for p in (tmp_path / 'tool').rglob('*') if p.is_file()
    )
    assert files == there
    for name in files:
        assert (tmp_path / 'tool' / name).read_bytes() == (made.root / name).read_bytes()

    again = run(tmp_path / 'tool', '--seed', 5, *ARGS, '--object-scale', 0.5, 0.6)
    assert again.returncode == 0 and again.stdout.endswith('already there\n')

    other = run(tmp_path / 'tool', *ARGS)
    assert other.returncode == 1 and 'seed: 5 there, 0 wanted' in other.stderr
    assert 'Traceback' not in other.stderr


def test_data_holds_cutouts_and_photographs(tmp_path):
    cutout = np.zeros((40, 40, 4), np.uint8)
    cutout[10:30, 5:35] = (0, 0, 255, 255)
    for name in ('apple', 'pear'):
        (tmp_path / 'data/cutouts' / name).mkdir(parents=True)
        for i in range(3):
            cv2.imwrite(str(tmp_path / f'data/cutouts/{name}/{i}.png'), cutout)
    (tmp_path / 'data/photographs').mkdir()
    cv2.imwrite(str(tmp_path / 'data/photographs/a.png'), np.full((90, 90, 3), 99, np.uint8))

    result = run(tmp_path / 'set', '--data', tmp_path / 'data', *ARGS)
    assert result.returncode == 0, result.stderr
    assert '2 classes' in result.stdout
    assert sorted(p.name for p in (tmp_path / 'set/classify/test').iterdir()) == ['apple', 'pear']
    assert not (tmp_path / 'set/licences').exists()


@pytest.mark.parametrize(
    'args, message',
    [
        (['--data', 'nowhere'], 'there is neither nowhere/cutouts'),
        (['--cutouts', 'nowhere'], 'cut-outs: there is no folder nowhere'),
        (['--objects', '-3'], 'objects must be at least 0'),
    ],
)
def test_bad_input(args, message, tmp_path, capsys):
    tool = load_tool(TOOL)
    try:
        assert tool.main([str(tmp_path / 'set'), *args]) == 1
    except SystemExit as error:  # argparse's own
        assert error.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'set').exists()

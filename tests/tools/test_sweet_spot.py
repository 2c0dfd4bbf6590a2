"""A sweep from images to the curve, killed half-way and finished by the same command."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from image_sets import write_folder_set
from PIL import Image

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/sweet_spot/color-jitter_cutouts.py'
ENV = os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}


def command(work_dir, data, *options, config=CONFIG):
    return [sys.executable, 'tools/analysis/sweet_spot.py', config, '--work-dir', str(work_dir),
            '--values', '0', '1.5', '--cfg-options', f'data_root={data}',
            'train_dataloader.batch_size=8', 'train_dataloader.num_workers=0',
            'train_dataloader.persistent_workers=False', 'train_cfg.max_iters=2',
            'model.encoders.backbone.base_channels=8', 'model.encoders.backbone.stem_channels=8',
            'model.encoders.neck.in_channels=64', 'default_hooks.logger.interval=1',
            'read_out.inverse_penalty=0.01', *options]


def run(*arguments, **options):
    return subprocess.run(command(*arguments, **options), cwd=ROOT, env=ENV, capture_output=True,
                          text=True, timeout=300)


def is_done(record):
    return record.is_file() and json.loads(record.read_text())['done']


def kill_after(record, *arguments):
    """Start a sweep and kill it, with its children, as soon as a stage is done."""
    process = subprocess.Popen(command(*arguments), cwd=ROOT, env=ENV, start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not is_done(record):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_sweep_that_is_killed_is_finished_by_the_same_command(tmp_path):
    write_folder_set(tmp_path / 'set')
    work = tmp_path / 'work'
    first = work / 'value_0' / 'seed0' / 'contrast'
    kill_after(first.with_suffix('.json'), work, tmp_path / 'set')
    written = (first / 'iter_2.pth').stat().st_mtime_ns
    assert not is_done(work / 'value_1.5' / 'seed0' / 'mutual_information.json')

    result = run(work, tmp_path / 'set')
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'value_0/seed0/contrast: done before' in result.stdout
    assert (first / 'iter_2.pth').stat().st_mtime_ns == written
    found = json.loads((work / 'sweep.json').read_text())
    assert [(run['value'], run['seed']) for run in found['runs']] == [('0', 0), ('1.5', 0)]
    assert found['keys'] == ['train_dataloader.dataset.pipeline.1.views.recipe.2.strength']
    assert not found['peaks']['test']['supported']
    with (work / 'sweep.csv').open() as file:
        lines = list(csv.DictReader(file))
    for line, measured in zip(lines, found['runs'], strict=True):
        assert float(line['held_out_i_nce']) == measured['held_out_i_nce']
        assert float(line['held_out_low']) < float(line['held_out_i_nce'])
        assert 0 <= float(line['accuracy_test']) <= 100
    text = (work / 'sweep.md').read_text()
    assert '| 1.5 | 1 |' in text and '- test: no peak: too few points' in text
    with Image.open(work / 'sweep.png') as picture:
        assert np.asarray(picture.convert('L')).std() > 5


@pytest.mark.parametrize('options, message', [
    (['--vary', 'model.nothing', '--values', '1'], "no key 'model.nothing' to vary"),
    (['--values', '1', '1'], 'values must differ'),
    (['--seeds', '1', '1'], 'a seed is named twice'),
    (['--jobs', '0'], '--jobs must be at least 1, got 0'),
])
def test_what_cannot_be_is_said_before_anything_runs(tmp_path, capsys, options, message):
    spec = importlib.util.spec_from_file_location(
        'sweet_spot', ROOT / 'tools/analysis/sweet_spot.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with pytest.raises(SystemExit) as ended:
        tool.main([str(ROOT / CONFIG), '--work-dir', str(tmp_path / 'work'), *options])
    assert message in f'{capsys.readouterr().err}{ended.value}'
    assert not (tmp_path / 'work').exists()

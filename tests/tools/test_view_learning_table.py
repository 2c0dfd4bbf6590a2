"""The table of learned views: an STL-10 row from the files to the table, and its bookkeeping."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from stl10_files import write_stl10
from tool_modules import load_tool

from infomin_plugin.engine.chains.experiments import run_all
from infomin_plugin.engine.chains.stages import StageError

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'view_learning_table.py'
CONFIGS = [f'configs/view_learning/{name}.py'
           for name in ('contrast_rgb_stl10', 'semi-supervised_rgb_vp_stl10')]


@pytest.fixture(scope='module')
def tool():
    return load_tool(TOOL)


def run(work_dir, data, *options):
    return subprocess.run(
        [sys.executable, str(TOOL), *CONFIGS, '--seeds', '3', '--work-dir', str(work_dir),
         '--cfg-options', f'data_root={data}', 'train_dataloader.batch_size=8',
         'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False',
         'train_cfg.max_iters=2', 'learning.train_dataloader.sampler.batch_size=8',
         'default_hooks.logger.interval=1', 'contrast.read_out.bank.num_workers=0',
         'contrast.read_out.queries.test.num_workers=0',
         'contrast.read_out.inverse_penalty=0.01', *options],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env=os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)})


def test_stl10_from_its_files_to_the_table(tmp_path):
    write_stl10(tmp_path / 'stl10_binary')
    work = tmp_path / 'work'
    first = run(work, tmp_path / 'stl10_binary')
    assert first.returncode == 0, first.stdout + first.stderr
    table = json.loads((work / 'table.json').read_text())
    raw, learned = table['rows']
    assert [(row['views'], row['input'], row['flow'], row['published']) for row in (raw, learned)
            ] == [('raw', 'RGB', '–', '81.5 ± 0.2'), ('semi-supervised', 'RGB', 'vp', '86.0 ± 0.6')]
    assert set(learned['seeds']['3']) == set(raw['seeds']['3']) | {
        'i_nce_learning', 'seconds_learning'}
    assert 0 <= learned['seeds']['3']['accuracy_test'] <= 100
    text = (work / 'table.md').read_text()
    assert '| semi-supervised | RGB | vp |' in text and '86.0 ± 0.6' in text
    with Image.open(work / 'views.png') as picture:
        assert np.asarray(picture.convert('L')).std() > 5

    again = run(work, tmp_path / 'stl10_binary')
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count('done before') == 5 and 'python tools/train.py' not in again.stdout
    assert json.loads((work / 'table.json').read_text())['rows'] == table['rows']

    other = run(work, tmp_path / 'stl10_binary', 'contrast.model.head.temperature=0.3')
    assert other.returncode == 1 and '2 of 2 runs failed' in other.stderr
    assert 'contrast was begun with another command' in other.stderr


class FakeRow(SimpleNamespace):
    """A row that measures its seed, or fails."""

    def run(self, stages, seed):
        if (self.name, seed) == self.bad:
            raise StageError(f'{self.name}/seed{seed}/learning failed with exit code 1\n  the end')
        return dict(accuracy_test=50.0 + seed, i_nce_contrast=1.0 + seed, seconds_contrast=60.0)


def rows(bad=None):
    return [FakeRow(name=name, regime=regime, space='RGB', flow='vp', published='1 ± 2', bad=bad)
            for name, regime in (('a', 'unsupervised'), ('b', 'supervised'))]


@pytest.mark.parametrize('jobs', [1, 2])
def test_a_failure_is_named_and_the_others_go_on(tool, tmp_path, jobs):
    some = rows(bad=('a', 1))
    results, failures = run_all(some, None, [0, 1, 2], jobs)
    assert set(results) == {('a', 0), ('a', 2), ('b', 0), ('b', 1), ('b', 2)}
    assert len(failures) == 1 and failures[0].startswith('a/seed1/learning failed')
    tool.write_table(some, results, failures, tmp_path, dict(command='c', seeds=[0, 1, 2]))
    text = (tmp_path / 'table.md').read_text()
    assert 'FAILED: a/seed1/learning failed with exit code 1\n' in text
    assert '| unsupervised | RGB | vp | – | 2.00 ± 1.41 | 51.0 ± 1.4 | 1 ± 2 | 1.0 |' in text
    assert '| supervised | RGB | vp | – | 2.00 ± 1.00 | 51.0 ± 1.0 | 1 ± 2 | 1.0 |' in text


@pytest.mark.parametrize('arguments, message', [
    (['a.py', 'b/a.py'], 'a config or a seed is named twice'),
    (['a.py', '--seeds', '1', '1'], 'a config or a seed is named twice'),
    (['a.py', '--jobs', '0'], '--jobs must be at least 1, got 0'),
])
def test_bad_command_lines_are_named(tool, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.parse_args([*arguments, '--work-dir', str(tmp_path)])
    assert message in capsys.readouterr().err


def test_other_configs_are_refused_before_anything_runs(tool, tmp_path):
    config = ROOT / 'configs' / 'demo' / 'infomin_r18_images.py'
    with pytest.raises(SystemExit, match='no config of learned or raw views'):
        tool.main([str(config), '--work-dir', str(tmp_path / 'work')])
    assert not (tmp_path / 'work').exists()

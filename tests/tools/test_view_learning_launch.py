"""View learning on two processes through the launcher: the players are wrapped one by one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from config_runs import run_config
from ports import free_port
from stl10_files import write_stl10

from infomin_plugin.checkpoints import read_file

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/view_learning/semi-supervised_rgb_vp_stl10.py'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'stl10_binary'
    write_stl10(root)
    return root


def options(data, batch):
    return [f'data_root={data}', f'train_dataloader.batch_size={batch}',
            f'train_dataloader.sampler.batch_size={batch}', 'train_dataloader.num_workers=0',
            'train_dataloader.persistent_workers=False', 'default_hooks.logger.interval=1',
            'default_hooks.checkpoint.interval=1']


def environment(**more):
    return os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT),
                         'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'} | more


def test_two_processes(data, tmp_path):
    result = subprocess.run(
        ['bash', 'tools/dist_train.sh', 'configs/view_learning/semi-supervised_rgb_nvp_stl10.py',
         '2', '--work-dir', str(tmp_path), '--cfg-options', *options(data, 4),
         'train_cfg.max_iters=2'],
        cwd=ROOT, capture_output=True, text=True, timeout=180,
        env=environment(PORT=str(free_port())))
    assert result.returncode == 0, result.stderr[-3000:]
    state = read_file(tmp_path / 'iter_2.pth')['state_dict']
    # the names are those of one process, so that the contrast finds the generator
    assert {name.split('.')[0] for name in state} == {'generator', 'encoders', 'classifiers'}
    assert not any('module' in name for name in state)


def test_a_killed_run_goes_on_with_all_players(data, tmp_path):
    """One step, then a second after a resume: the optimisers of all players are there again."""
    run_config(ROOT / CONFIG, tmp_path, [*options(data, 8), 'train_cfg.max_iters=1'])
    second = subprocess.run(
        [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(tmp_path), '--resume',
         '--cfg-options', *options(data, 8), 'train_cfg.max_iters=2'],
        cwd=ROOT, capture_output=True, text=True, timeout=180, env=environment())
    assert second.returncode == 0, second.stderr[-3000:]
    logs = sorted(tmp_path.glob('*/vis_data/scalars.json'))
    steps = [json.loads(line)['step'] for log in logs for line in log.read_text().splitlines()]
    assert steps == [1, 2]
    before, after = (read_file(tmp_path / f'iter_{n}.pth') for n in (1, 2))
    assert set(after['optimizer']) == {'generator', 'encoders', 'classifiers'}
    for player, state in after['optimizer'].items():
        counts = {int(each['step']) for each in state['state'].values()}
        assert counts == {2}, player
    moved = [not torch.equal(before['state_dict'][name], value)
             for name, value in after['state_dict'].items() if name.endswith('weight')]
    assert all(moved)

"""Trainings and a sweep that are killed ten times, at moments that nothing is prepared for.

What is compared is all that :func:`pieces.saved_state` names, bit for bit, and the log.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from image_sets import write_folder_set
from killed_runs import Killer
from pieces import differences, logged_by_step, saved_state
from PIL import Image
from tiny_configs import write_tiny

ROOT = Path(__file__).parents[3]
KILLS = 10
STEPS = 5  # of each training of the sweep
EACH_STEP = ('default_hooks.checkpoint.interval=1', 'default_hooks.checkpoint.by_epoch=False',
             'default_hooks.checkpoint.max_keep_ckpts=-1', 'default_hooks.logger.interval=1',
             'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False',
             'randomness.seed=0')


@pytest.fixture(scope='module')
def killer():
    with Killer() as killer:
        yield killer


def check_training(killer, config, options, work_dir, total, most):
    assert total > KILLS * most  # it cannot end before all kills
    moments = killer(config_file=str(config), options=[*options, *EACH_STEP],
                     work_dir=str(work_dir), seed=0, kills=KILLS, most=most)
    assert len(moments) == KILLS and set(moments) == set(range(most + 1))
    ours, theirs = (saved_state(work_dir / name / f'iter_{total}.pth')
                    for name in ('pieces', 'whole'))
    assert not differences(ours, theirs)
    expected = logged_by_step(work_dir / 'whole')
    assert len(expected) >= total and logged_by_step(work_dir / 'pieces') == expected


def test_pretraining(killer, images, tmp_path):
    """InfoMin with jigsaw, in epochs of three steps."""
    check_training(killer, ROOT / 'configs/demo/infomin_r18_images.py',
                   [f'data_root={images}', 'train_dataloader.batch_size=2',
                    'model.memory.length=16', 'train_cfg.max_epochs=4'], tmp_path, 12, 1)


def test_detection(killer, mini, tmp_path):
    """Mask R-CNN of mmdet, in iterations; its validations are after steps 6 and 11."""
    config = tmp_path / 'by_iterations.py'
    config.write_text(f'''
_base_ = '{ROOT / "configs/demo/mask-rcnn_r18_fpn_coco-form.py"}'
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=11)
param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=9)]
log_processor = dict(by_epoch=False)
train_dataloader = dict(sampler=dict(type='InfiniteSampler'))
''')
    check_training(killer, write_tiny(config, tmp_path / 'tiny'), [
        f'data_root={mini}', 'train_dataloader.batch_size=1', 'train_cfg.max_iters=11',
        'train_cfg.val_interval=6'], tmp_path, 11, 1)


def test_a_sweep(killer, tmp_path):
    write_folder_set(tmp_path / 'set')
    moments = killer(
        command=['tools/analysis/sweet_spot.py', 'configs/sweet_spot/color-jitter_cutouts.py',
                 '--work-dir', '{folder}', '--values', '0', '1.5', '--cfg-options',
                 f'data_root={tmp_path / "set"}', *EACH_STEP[:-1], f'train_cfg.max_iters={STEPS}',
                 'train_dataloader.batch_size=8', 'runner_type=infomin_plugin.BeatingRunner',
                 'model.encoders.backbone.base_channels=8',
                 'model.encoders.backbone.stem_channels=8',
                 'model.encoders.neck.in_channels=64', 'read_out.inverse_penalty=0.01'],
        work_dir=str(tmp_path), seed=0, kills=KILLS, most=2)
    assert len(moments) == KILLS and set(moments) == {0, 1, 2}
    assert sum(moments) < 2 * (STEPS + 2)  # it cannot end before all kills: steps and measurements
    ours, theirs = (json.loads((tmp_path / name / 'sweep.json').read_text())
                    for name in ('pieces', 'whole'))
    for found in (ours, theirs):
        del found['command']  # names the work dir
        for measured in found['runs']:
            for name in [name for name in measured if name.startswith('seconds')]:
                del measured[name]
    assert ours == theirs
    for run in ('value_0', 'value_1.5'):
        both = [tmp_path / name / run / 'seed0/contrast' for name in ('pieces', 'whole')]
        assert not differences(*(saved_state(each / f'iter_{STEPS}.pth') for each in both))
        ours, theirs = map(logged_by_step, both)
        assert len(theirs) == STEPS and ours == theirs
    check_results(tmp_path / 'pieces')


def check_results(folder):
    """What a sweep leaves behind: figures, a table, a page and a picture that agree."""
    found = json.loads((folder / 'sweep.json').read_text())
    assert [(run['value'], run['seed']) for run in found['runs']] == [('0', 0), ('1.5', 0)]
    assert found['keys'] == ['train_dataloader.dataset.pipeline.1.views.recipe.2.strength']
    assert not found['peaks']['test']['supported']
    with (folder / 'sweep.csv').open() as file:
        lines = list(csv.DictReader(file))
    for line, measured in zip(lines, found['runs'], strict=True):
        assert float(line['held_out_i_nce']) == measured['held_out_i_nce']
        assert float(line['held_out_low']) < float(line['held_out_i_nce'])
        assert 0 <= float(line['accuracy_test']) <= 100
    text = (folder / 'sweep.md').read_text()
    assert '| 1.5 | 1 |' in text and '- test: no peak: too few points' in text
    with Image.open(folder / 'sweep.png') as picture:
        assert np.asarray(picture.convert('L')).std() > 5

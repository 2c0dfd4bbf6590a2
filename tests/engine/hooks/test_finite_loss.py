"""A loss or gradient that is no number stops a training, or its step is left out."""

import json
from pathlib import Path

import pytest
import torch
from config_runs import train_config
from faulty_training import run_faulty
from mmengine.hooks import Hook
from tiny_configs import write_tiny

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import FiniteLossHook, TrainingFault
from infomin_plugin.engine.hooks import finite_loss
from infomin_plugin.registry import HOOKS

ROOT = Path(__file__).parents[3]
SKIP = {'run_hooks.finite_loss': dict(action='skip')}


def weights(path):
    return read_file(path)['state_dict']


def test_it_stops_before_the_step_and_names_all(tmp_path):
    with pytest.raises(TrainingFault) as stopped:
        run_faulty(tmp_path, dict(faults={5: 'nan'}))
    message = str(stopped.value)
    assert 'iteration 3 (epoch 1): the loss is not finite: loss nan, loss_square nan' in message
    assert 'images: folder/image_4.jpg, folder/image_5.jpg (all are in' in message
    assert f'last good checkpoint is {tmp_path / "iter_2.pth"}' in message
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['iter_1.pth', 'iter_2.pth']
    record = json.loads((tmp_path / 'nonfinite_batch.json').read_text())
    assert record == dict(iteration=3, epoch=1, losses=dict(loss='nan', loss_square='nan'),
                          images=['folder/image_4.jpg', 'folder/image_5.jpg'])


@pytest.mark.parametrize('accumulated, left_out, iteration', [
    (1, (4, 5), 3), (2, (4, 5, 6, 7), 4)])
def test_a_skipped_step_leaves_no_trace(tmp_path, accumulated, left_out, iteration):
    """As if its images were not in the set; of accumulated steps, all images of the step."""
    accumulate = {'optim_wrapper.accumulative_counts': accumulated}
    run_faulty(tmp_path / 'skip', dict(faults={5: 'nan'}), **accumulate, **SKIP)
    run_faulty(tmp_path / 'never', dict(left_out=left_out), **accumulate)
    skipped, never = (read_file(tmp_path / name) for name in (
        'skip/iter_8.pth', f'never/iter_{8 - len(left_out)}.pth'))
    for name, tensor in never['state_dict'].items():
        assert tensor.equal(skipped['state_dict'][name])
    for index, state in never['optimizer']['state'].items():
        assert state['momentum_buffer'].equal(
            skipped['optimizer']['state'][index]['momentum_buffer'])
    (log, ) = (tmp_path / 'skip').glob('*/*.log')
    warnings = [line for line in log.read_text().splitlines() if 'left out' in line]
    assert len(warnings) == 2  # one an epoch
    assert f'iteration {iteration} (epoch 1)' in warnings[0] and 'the 1. of this' in warnings[0]
    assert f'iteration {4 + iteration} (epoch 2)' in warnings[1] and 'the 2. of this' in warnings[1]


def test_too_many_skips_in_a_row_stop(tmp_path):
    faults = dict.fromkeys(range(2, 8), 'nan')
    with pytest.raises(TrainingFault, match=r'iteration 4 .*3 iterations in a row were not finite'):
        run_faulty(tmp_path, dict(faults=faults),
                   **{'run_hooks.finite_loss': dict(action='skip', max_skips=3)})
    # not in a row: six of eight, with a good one between the epochs
    run_faulty(tmp_path, dict(faults=faults),
               **{'run_hooks.finite_loss': dict(action='skip', max_skips=4)})


def test_what_no_optimiser_undoes_is_not_skipped(tmp_path):
    with pytest.raises(TrainingFault, match='are norm.running_mean and 1 other tensors'):
        run_faulty(tmp_path, dict(faults={5: 'nan'}), dict(norm=True), **SKIP)


@pytest.mark.parametrize('kind, words', [
    ('infinite', 'iteration 1 .* the loss is not finite: loss inf'),
    ('root', r'iteration 1 .* a gradient is not finite: loss \d'),
])
def test_losses_and_gradients_are_both_looked_at(tmp_path, kind, words):
    with pytest.raises(TrainingFault, match=words):
        run_faulty(tmp_path, model=dict(kind=kind))
    assert not list(tmp_path.glob('*.pth'))


def test_where_looks_are_rare_a_checkpoint_is_preceded_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(finite_loss, 'get_device', lambda: 'cuda')
    with pytest.raises(TrainingFault, match='iteration 3 .*image_4.jpg, folder/image_5.jpg .*'
                       f'last good checkpoint is {tmp_path / "iter_2.pth"}'):
        run_faulty(tmp_path, dict(faults={5: 'nan'}),
                   **{'default_hooks.checkpoint.interval': 2})  # the next look is that of iter_4
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_2.pth']


def test_where_looks_are_rare_interval_says_how_rare(tmp_path, monkeypatch):
    monkeypatch.setattr(finite_loss, 'get_device', lambda: 'cuda')
    for interval, steps in ((1, 2), (3, 3), (50, 8)):
        with pytest.raises(TrainingFault, match=r'iteration 2 .*image_2'):
            run_faulty(tmp_path / str(interval), dict(faults={2: 'nan'}),
                       **{'default_hooks.checkpoint.interval': 99,
                          'run_hooks.finite_loss': dict(interval=interval)})
        (log, ) = (tmp_path / str(interval)).glob('*/*.log')
        logged = log.read_text().count('Epoch(train)')
        assert logged == steps - 1  # the step of the look is not logged any more


def test_spoilt_weights_are_not_saved(tmp_path):
    @HOOKS.register_module(force=True)
    class SpoilingHook(Hook):
        def after_train_iter(self, runner, **kwargs):
            with torch.no_grad():
                runner.model.layer.bias[1] = torch.nan

    with pytest.raises(TrainingFault, match='iteration 1 is not written.*layer.bias and 0 other'):
        run_faulty(tmp_path, custom_hooks=[dict(type='SpoilingHook', priority='LOW')])
    assert not list(tmp_path.glob('*.pth'))


def test_settings_out_of_range_are_refused():
    for wrong in (dict(action='ignore'), dict(max_skips=0), dict(interval=0)):
        with pytest.raises(ValueError, match='must be'):
            FiniteLossHook(**wrong)


@pytest.mark.parametrize('config, options', [
    ('demo/infomin_r18_images.py', ['optim_wrapper.optimizer.lr=1e30']),
    ('view_learning/unsupervised_rgb_vp_cutouts.py', [
        'train_dataloader.dataset.pipeline.1.views.recipe.0.size=16', 'train_cfg.max_iters=4',
        'optim_wrapper.encoders.optimizer.lr=1e30']),
    ('demo/mask-rcnn_r18_fpn_coco-form.py', ['model.rpn_head.loss_bbox.loss_weight=1e39']),
])
def test_each_kind_of_training_names_its_images(images, mini, tmp_path, config, options):
    tiny = write_tiny(ROOT / 'configs' / config, tmp_path)
    data = images if config.endswith('images.py') else mini
    with pytest.raises(TrainingFault, match=rf'not finite: .*(nan|inf).*; images: {data}/\S+.jpg'):
        train_config(tiny, tmp_path / 'work',
                     [f'data_root={data}', 'train_dataloader.batch_size=2', *options])

"""A training that is stopped and resumed ends as one that was not: bit for bit, log included.

Runs that are killed, at moments that nothing was prepared for: test_killed_runs.py.
"""

from pathlib import Path

import pytest
import torch
from config_runs import train_config
from pieces import Interrupt, Interrupted, differences, logged_by_step, saved_state
from stl10_files import write_stl10
from tiny_configs import write_tiny
from training_sets import as_coco2017

CONFIGS = Path(__file__).parents[3] / 'configs'
DEMO = CONFIGS / 'demo/infomin_r18_images.py'
EACH_STEP = ('default_hooks.checkpoint.interval=1', 'default_hooks.checkpoint.by_epoch=False',
             'default_hooks.checkpoint.max_keep_ckpts=-1', 'default_hooks.logger.interval=1')
SMALL = ('model.memory.length=16', )


def loader(batch, workers=0):
    return (f'train_dataloader.batch_size={batch}', f'train_dataloader.num_workers={workers}',
            f'train_dataloader.persistent_workers={workers > 0}')


def train_in_pieces(config, work_dir, options, stops, *pieces):
    """Stop after each of ``stops`` iterations; ``pieces`` are further options of one each."""
    pieces = pieces or [()] * (len(stops) + 1)
    for number, (stop, more) in enumerate(zip(stops, pieces[:-1], strict=True)):
        with pytest.raises(Interrupted):
            train_config(config, work_dir, [*options, *more], resume=number > 0,
                         hooks=[Interrupt(stop)])
    return train_config(config, work_dir, [*options, *pieces[-1]], resume=True)


def begin_with(checkpoint, work_dir):
    """Let a work dir look as if a run had been stopped at a checkpoint of another one."""
    work_dir.mkdir(exist_ok=True)
    (work_dir / checkpoint.name).write_bytes(checkpoint.read_bytes())
    (work_dir / 'last_checkpoint').write_text(str(work_dir / checkpoint.name))


def check_same(whole, pieces, name):
    assert not differences(saved_state(whole / name), saved_state(pieces / name))
    expected = logged_by_step(whole)
    assert expected and logged_by_step(pieces) == expected


@pytest.fixture(scope='module')
def demo(images, tmp_path_factory):
    """Nine steps of InfoMin, three epochs, not disturbed; options and the work dir."""
    options = [f'data_root={images}', *SMALL, *EACH_STEP, 'train_cfg.max_epochs=3']
    work_dir = tmp_path_factory.mktemp('demo')
    train_config(DEMO, work_dir, [*options, *loader(2)])
    return options, work_dir


@pytest.mark.parametrize('stops, workers', [
    ((1, 2, 8), (0, 0, 0, 0)),  # within an epoch, once and again
    ((3, 4), (0, 2, 1)),  # an epoch is done, its end was not recorded; other workers
])
def test_infomin_with_jigsaw(demo, tmp_path, stops, workers):
    options, whole = demo
    train_in_pieces(DEMO, tmp_path, options, stops, *(loader(2, number) for number in workers))
    check_same(whole, tmp_path, 'iter_9.pth')


def test_a_checkpoint_of_an_epochs_end(demo, tmp_path):
    options, whole = demo
    options = [word for word in options if 'by_epoch' not in word]
    train_in_pieces(DEMO, tmp_path, [*options, *loader(2)], (4, ))
    ours, theirs = (saved_state(path) for path in (tmp_path / 'epoch_3.pth', whole / 'iter_9.pth'))
    assert ours['position'][:2] == [3, 9] and theirs['position'][:2] == [2, 9]
    ours['position'] = theirs['position']
    assert not differences(ours, theirs)
    assert logged_by_step(tmp_path) == logged_by_step(whole)


def test_colours_changed_on_the_device(images, tmp_path):
    options = [f'data_root={images}', *SMALL, *EACH_STEP, *loader(2), 'photometry=device',
               'train_cfg.max_epochs=2']
    train_config(DEMO, tmp_path / 'whole', options)
    train_in_pieces(DEMO, tmp_path / 'pieces', options, (2, ))
    check_same(tmp_path / 'whole', tmp_path / 'pieces', 'iter_6.pth')


def test_gradient_accumulation(images, tmp_path):
    """Resumed after a step of the optimiser, four batches each; the last has a remainder of two."""
    options = [f'data_root={images}', *SMALL, *EACH_STEP, *loader(2), 'train_cfg.max_epochs=2',
               'optim_wrapper.accumulative_counts=4']
    train_config(DEMO, tmp_path / 'whole', options)
    train_in_pieces(DEMO, tmp_path / 'pieces', options, (4, ))
    check_same(tmp_path / 'whole', tmp_path / 'pieces', 'iter_6.pth')


def check_tiny(config, options, tmp_path, stops, name):
    path = write_tiny(CONFIGS / config, tmp_path / 'config')
    train_config(path, tmp_path / 'whole', options)
    train_in_pieces(path, tmp_path / 'pieces', options, stops)
    check_same(tmp_path / 'whole', tmp_path / 'pieces', name)


def test_a_bank_whose_negatives_are_drawn(images, tmp_path):
    check_tiny('pretrain/pirl/pirl_resnet50_8xb32-coslr-200e_in1k.py',
               [f'data_root={images}', *EACH_STEP, *loader(2), 'train_cfg.max_epochs=2'],
               tmp_path, (4, ), 'iter_6.pth')


def test_view_learning(tmp_path):
    """Two sources, three optimisers."""
    write_stl10(tmp_path / 'stl10')
    check_tiny('view_learning/semi-supervised_rgb_vp_stl10.py',
               [f'data_root={tmp_path / "stl10"}', *EACH_STEP, *loader(4),
                'train_dataloader.sampler.batch_size=4', 'train_cfg.max_iters=3'],
               tmp_path, (2, ), 'iter_3.pth')


def test_detection_with_validations(mini, tmp_path):
    """An endless sampler, random proposals, precise BN; stopped before a validation."""
    check_tiny('detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py',
               [f'data_root={as_coco2017(mini, tmp_path / "coco")}', *EACH_STEP, *loader(2),
                'randomness.seed=0', 'train_cfg.max_iters=4', 'train_cfg.val_interval=2'],
               tmp_path, (2, ), 'iter_4.pth')


def test_detection_by_epochs(mini, tmp_path):
    """Images grouped by their form; stopped within an epoch, and before its end was recorded."""
    check_tiny('demo/mask-rcnn_r18_fpn_coco-form.py',
               [f'data_root={mini}', *EACH_STEP, *loader(2), 'train_cfg.max_epochs=2',
                'randomness.seed=0', 'train_dataloader.dataset.indices=4',
                'train_cfg.val_interval=1'],
               tmp_path, (1, 2), 'iter_4.pth')


def test_a_run_without_a_seed_goes_on_with_the_one_it_had(images, tmp_path):
    """It draws one when it starts, and resumed another, until the checkpoint is read."""
    options = [f'data_root={images}', *SMALL, *EACH_STEP, *loader(2), 'train_cfg.max_epochs=1',
               'randomness.seed=None']
    train_config(DEMO, tmp_path / 'whole', options)
    begin_with(tmp_path / 'whole/iter_2.pth', tmp_path / 'pieces')
    train_config(DEMO, tmp_path / 'pieces', options, resume=True)
    ours, theirs = (saved_state(tmp_path / name / 'iter_3.pth') for name in ('pieces', 'whole'))
    assert not differences(ours, theirs)


@pytest.mark.parametrize('change, words', [
    (loader(3), r'after 1 iterations, within epoch 1: the checkpoint has 2 images a step of all '
                r'processes, this run 3, the checkpoint has 3 steps an epoch, this run 2'),
    ((*loader(2), 'train_dataloader.dataset.indices=4'),
     'the checkpoint has 6 images in the data set, this run 4'),
])
def test_another_batch_or_other_data_are_refused_within_an_epoch(demo, tmp_path, change, words):
    options, whole = demo
    begin_with(whole / 'iter_1.pth', tmp_path)
    with pytest.raises(ValueError, match=words):
        train_config(DEMO, tmp_path, [*options, *change], resume=True)
    assert not list(tmp_path.glob('*/vis_data/scalars.json'))


def test_what_others_draw_does_not_matter(demo, tmp_path):
    """Nothing that the process has drawn before a step reaches it."""
    options, whole = demo
    with pytest.raises(Interrupted):
        train_config(DEMO, tmp_path, [*options, *loader(2)], hooks=[Interrupt(4), Draws()])
    train_config(DEMO, tmp_path, [*options, *loader(2)], resume=True, hooks=[Draws()])
    check_same(whole, tmp_path, 'iter_9.pth')


class Draws(Interrupt):
    """Draws numbers between the steps, as somebody's hook may."""

    priority = 'NORMAL'

    def __init__(self):
        super().__init__(-1)

    def before_train_epoch(self, runner):
        torch.rand(7)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        torch.rand(3)

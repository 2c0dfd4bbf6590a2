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

CONFIGS = Path(__file__).parents[2] / 'configs'
DEMO = CONFIGS / 'demo/infomin_r18_images.py'
EACH_STEP = ('default_hooks.checkpoint.interval=1', 'default_hooks.checkpoint.by_epoch=False',
             'default_hooks.checkpoint.max_keep_ckpts=-1', 'default_hooks.logger.interval=1')
SMALL = ('model.memory.length=16', )


def loader(batch, workers=0):
    return (f'train_dataloader.batch_size={batch}', f'train_dataloader.num_workers={workers}',
            f'train_dataloader.persistent_workers={workers > 0}')


def train_in_pieces(config, work_dir, options, stops, resumed=()):
    """Stop after each of ``stops`` iterations; ``resumed`` are options of the later pieces."""
    for number, stop in enumerate(stops):
        with pytest.raises(Interrupted):
            train_config(config, work_dir, [*options, *(resumed if number else ())],
                         resume=number > 0, hooks=[Interrupt(stop)])
    return train_config(config, work_dir, [*options, *resumed], resume=True)


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
    ((1, ), (0, 0)),  # within the first epoch
    ((3, ), (0, 2)),  # an epoch is done, its end was not recorded
    ((2, 4, 5, 6, 8), (0, 0)),
    ((4, ), (2, 0)),
])
def test_infomin_with_jigsaw(demo, tmp_path, stops, workers):
    options, whole = demo
    before, after = (loader(2, number) for number in workers)
    train_in_pieces(DEMO, tmp_path, [*options, *before], stops, after)
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
    """Resumed after a step of the optimiser, two batches each; the last has a remainder of one."""
    options = [f'data_root={images}', *SMALL, *EACH_STEP, *loader(2), 'train_cfg.max_epochs=3',
               'optim_wrapper.accumulative_counts=2']
    train_config(DEMO, tmp_path / 'whole', options)
    train_in_pieces(DEMO, tmp_path / 'pieces', options, (2, 4))
    check_same(tmp_path / 'whole', tmp_path / 'pieces', 'iter_9.pth')


def check_tiny(config, options, tmp_path, stops, name):
    path = write_tiny(CONFIGS / config, tmp_path / 'config')
    train_config(path, tmp_path / 'whole', options)
    train_in_pieces(path, tmp_path / 'pieces', options, stops)
    check_same(tmp_path / 'whole', tmp_path / 'pieces', name)


def test_a_bank_whose_negatives_are_drawn(images, tmp_path):
    check_tiny('pretrain/pirl/pirl_resnet50_8xb32-coslr-200e_in1k.py',
               [f'data_root={images}', *EACH_STEP, *loader(2), 'train_cfg.max_epochs=2'],
               tmp_path, (2, 3), 'iter_6.pth')


def test_view_learning(tmp_path):
    """Two sources, three optimisers."""
    write_stl10(tmp_path / 'stl10')
    check_tiny('view_learning/semi-supervised_rgb_vp_stl10.py',
               [f'data_root={tmp_path / "stl10"}', *EACH_STEP, *loader(4),
                'train_dataloader.sampler.batch_size=4', 'train_cfg.max_iters=5'],
               tmp_path, (1, 3), 'iter_5.pth')


def test_detection_with_validations(mini, tmp_path):
    """Images grouped by their form, random proposals, precise BN; stopped before a validation."""
    check_tiny('detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py',
               [f'data_root={as_coco2017(mini, tmp_path / "coco")}', *EACH_STEP, *loader(2),
                'randomness.seed=0', 'train_cfg.max_iters=5', 'train_cfg.val_interval=2'],
               tmp_path, (2, 3), 'iter_5.pth')


def test_detection_by_epochs(mini, tmp_path):
    """Its validation is at the end of each epoch, of three steps."""
    check_tiny('demo/mask-rcnn_r18_fpn_coco-form.py',
               [f'data_root={mini}', *EACH_STEP, *loader(2), 'train_cfg.max_epochs=2',
                'randomness.seed=0', 'train_dataloader.dataset.indices=6'],
               tmp_path, (2, 3, 4), 'iter_6.pth')


def test_a_run_without_a_seed_goes_on_with_the_one_it_had(images, tmp_path):
    """It draws one when it starts, and resumed another, until the checkpoint is read."""
    options = [f'data_root={images}', *SMALL, *EACH_STEP, *loader(2), 'train_cfg.max_epochs=1',
               'randomness.seed=None']
    train_config(DEMO, tmp_path / 'whole', options)
    with pytest.raises(Interrupted):
        train_config(DEMO, tmp_path / 'pieces', options, hooks=[Interrupt(2)])
    # the first piece is the other run's, up to its second step
    (tmp_path / 'pieces/iter_2.pth').write_bytes((tmp_path / 'whole/iter_2.pth').read_bytes())
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
    (tmp_path / 'iter_1.pth').write_bytes((whole / 'iter_1.pth').read_bytes())
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_1.pth'))
    with pytest.raises(ValueError, match=words):
        train_config(DEMO, tmp_path, [*options, *change], resume=True)
    assert not list(tmp_path.glob('*/vis_data/scalars.json'))


def test_the_number_of_generators_draws_before_does_not_matter(demo, tmp_path):
    """Nothing that the process has drawn until it resumes reaches the training."""
    options, whole = demo
    with pytest.raises(Interrupted):
        train_config(DEMO, tmp_path, [*options, *loader(2)], hooks=[Interrupt(4), Draws()])
    train_config(DEMO, tmp_path, [*options, *loader(2)], resume=True, hooks=[Draws()])
    check_same(whole, tmp_path, 'iter_9.pth')


class Draws(Interrupt):
    """Draws numbers before and after each step, as a hook of somebody may."""

    priority = 'NORMAL'

    def __init__(self):
        super().__init__(-1)

    def before_train_epoch(self, runner):
        torch.rand(7)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        torch.rand(3)

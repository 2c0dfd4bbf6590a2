"""The linear read-out: its protocol, read off what is built, and that the trunk stays as it is."""

import cv2
import numpy as np
import pytest
import torch
from config_runs import logged_lines, train_config
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import DefaultScope
from PIL import Image
from read_outs import (
    CONFIGS,
    IN_PROCESS,
    NARROW,
    SMALL,
    write_colored_classes,
    write_narrow_trunk,
)
from torchvision.transforms import functional as F
from two_view_models import contrast_config, shuffled

from infomin_plugin.datasets.transforms import build_recipe
from infomin_plugin.registry import MODELS

PLAIN = CONFIGS / 'linear' / 'linear_resnet50_8xb32-steplr-60e_in1k.py'
RANDAUG = CONFIGS / 'linear' / 'linear_resnet50_8xb32-steplr-60e_randaug_in1k.py'
TWO_VIEWS = CONFIGS / 'linear' / 'linear_two-view-resnet50_8xb32-steplr-60e_in1k.py'
LINEAR = sorted((CONFIGS / 'linear').glob('linear_*.py'))
SEMI = CONFIGS / 'semi-supervised' / 'resnet50_head100_8xb32-steplr1e-2-20e_in1k-1pct.py'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('read-out')
    write_colored_classes(root / 'set')
    return root


@pytest.fixture(scope='module')
def trained(root):
    """All 60 epochs; the weight decay is one that would be seen."""
    state = write_narrow_trunk(root / 'trunk.pth')
    runner = train_config(
        PLAIN, root / 'run', pretrained=root / 'trunk.pth',
        options=(*NARROW, *SMALL, *IN_PROCESS, f'data_root={root}/set', 'train_cfg.val_interval=20',
                 'train_dataloader.batch_size=8', 'optim_wrapper.optimizer.weight_decay=1e-4',
                 'default_hooks.logger.interval=1', 'default_hooks.checkpoint.interval=60'))
    return runner, state, logged_lines(root / 'run')


def test_the_trunk_is_bit_identical_after_training(trained):
    runner, state, _ = trained
    found = runner.model.backbone.state_dict()
    assert set(found) == set(state)
    assert all(torch.equal(found[name], state[name]) for name in state)
    learning = [name for name, each in runner.model.named_parameters() if each.requires_grad]
    assert learning == ['head.fc.weight', 'head.fc.bias']


def test_the_rates_are_those_of_the_paper(trained):
    _, _, lines = trained
    rates = [line['lr'] for line in lines if line.get('iter', 0) % 3 == 1]
    wanted = [30 * 0.2**sum(epoch >= drop for drop in (30, 40, 50)) for epoch in range(60)]
    assert rates == pytest.approx(wanted)


def test_the_classes_are_learned_and_both_accuracies_logged(trained):
    runner, _, lines = trained
    scores = [line for line in lines if 'accuracy/top1' in line]
    assert [line['step'] for line in scores] == [20, 40, 60]
    # six colours: five guesses of six, one of six by chance
    assert scores[-1]['accuracy/top1'] > 50 and scores[-1]['accuracy/top5'] > 5 / 6 * 100
    assert runner.cfg.test_dataloader.dataset.metainfo.classes[0] == 'ant'


def test_the_optimiser_is_that_of_the_paper():
    cfg = Config.fromfile(PLAIN)
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=30, momentum=0.9, weight_decay=0)
    assert cfg.train_cfg.max_epochs == 60
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 256


@pytest.mark.parametrize('config', LINEAR, ids=lambda path: path.stem)
def test_no_trunk_learns(config):
    cfg = Config.fromfile(config)
    backbone = cfg.model.backbone
    width = backbone.get('base_channels', 64) // 8
    backbone.update(base_channels=width, stem_channels=width)
    if 'groups' in backbone:
        backbone.width_per_group = 1
    cfg.model.head.update(num_classes=3, in_channels=cfg.model.head.in_channels // 8)
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        model = MODELS.build(cfg.model)
    model.init_weights()
    before = {name: tensor.clone() for name, tensor in model.backbone.state_dict().items()}
    batch = dict(inputs=dict(views=[torch.randint(256, (4, 32, 32, 3), dtype=torch.uint8)],
                             patches=[]), gt_label=torch.tensor([0, 1, 2, 0]))
    optimizer = torch.optim.SGD(model.parameters(), lr=1, weight_decay=0.1)
    head = model.head.fc.weight.clone()
    model.train()
    model(**model.data_preprocessor(batch, True), mode='loss')['loss'].backward()
    optimizer.step()
    after = model.backbone.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(each.requires_grad for each in model.backbone.parameters())
    assert not torch.equal(model.head.fc.weight, head)


@pytest.mark.parametrize('kind', ['batch', 'fixed'])
def test_two_views_are_read_out_as_they_were_trained(kind, root):
    """A contrast's checkpoint: generator, norms of the views and both trunks are in place."""
    view_norm = True if kind == 'batch' else dict(mean=(0.4, -0.1, 0.25), std=(0.5, 2.0, 0.125))
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        contrast = shuffled(MODELS.build(contrast_config(view_norm=view_norm)))
    torch.save(dict(state_dict=contrast.state_dict()), root / 'contrast.pth')
    runner = train_config(
        TWO_VIEWS, root / f'two-view-{kind}', pretrained=root / 'contrast.pth',
        options=(*SMALL, *IN_PROCESS, f'data_root={root}/set', 'train_cfg.max_epochs=1',
                 'model.backbone.depth=18', 'model.backbone.base_channels=4',
                 'model.backbone.stem_channels=4', 'model.head.in_channels=64'))
    found = runner.model.backbone.state_dict()
    wanted = contrast.state_dict()
    pairs = {'generator.': 'generator.', 'view_norms.': 'encoders.view_norms.',
             'trunk1.': 'encoders.encoder1.backbone.', 'trunk2.': 'encoders.encoder2.backbone.'}
    checked = [name for name in found for ours, theirs in pairs.items() if name.startswith(ours)
               and torch.equal(found[name], wanted[theirs + name.removeprefix(ours)])]
    assert checked == list(found)


@pytest.mark.parametrize('config, rand_augment', [(PLAIN, False), (RANDAUG, True)])
def test_training_images(config, rand_augment):
    _, multi_view, _ = build_recipe(Config.fromfile(config).train_dataloader.dataset.pipeline)
    (group, ) = multi_view.views
    names = [type(step).__name__ for step in group.steps]
    assert names == ['RandomResizedCrop', 'RandomFlip', 'RandAugment'][:2 + rand_augment]
    assert group.num == 1 and not multi_view.patches
    assert group.steps[0].size == (224, 224) and group.steps[0].scale == (0.2, 1.0)
    assert group.steps[1].prob == 0.5
    if rand_augment:
        step = group.steps[2]
        assert (step.num_ops, step.magnitude, step.prob, len(step.ops)) == (2, 10, 0.5, 15)


def test_rand_augment_translates_as_the_authors_but_for_a_pixel():
    _, multi_view, _ = build_recipe(Config.fromfile(RANDAUG).train_dataloader.dataset.pipeline)
    step = multi_view.views[0].steps[2]
    step.magnitude_std = 0
    change, = step.draw_change('TranslateX')
    assert abs(abs(change.arguments[0]) * 224 - 100) < 1  # translate_const


@pytest.mark.parametrize('size', [(375, 500), (500, 333), (256, 256)])
def test_test_images_are_torchvisions(size, tmp_path):
    generator = np.random.default_rng(0)
    photo = cv2.GaussianBlur(generator.integers(256, size=(*size, 3), dtype=np.uint8), (0, 0), 3)
    photo = cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX)
    Image.fromarray(photo).save(tmp_path / 'photo.png')
    pipeline = build_recipe(Config.fromfile(PLAIN).val_dataloader.dataset.pipeline)
    results = dict(img_path=str(tmp_path / 'photo.png'), gt_label=0)
    for step in pipeline:
        results = step(results)
    found = results['inputs']['views'][0].numpy().astype(float)
    wanted = np.asarray(F.center_crop(F.resize(Image.fromarray(photo), 256), 224)).astype(float)
    # one rounds sizes before the crop, the other after it: less than a pixel
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).mean() < np.abs(np.diff(wanted, axis=1)).mean()


def test_a_run_must_say_which_weights(root):
    with pytest.raises(FileNotFoundError, match='--pretrained is not given'):
        train_config(PLAIN, root / 'none', options=(*NARROW, f'data_root={root}/set'))


@pytest.mark.parametrize('percent, head, share', [(1, 100, 0.01), (10, 10, 0.1)])
def test_semi_supervised_is_mmselfsups_benchmark(percent, head, share):
    name = f'resnet50_head{head}_{{}}-steplr1e-2-20e_in1k-{percent}pct.py'
    ours = Config.fromfile(CONFIGS / 'semi-supervised' / name.format('8xb32'))
    theirs = get_config(f'mmselfsup::benchmarks/classification/imagenet/imagenet_{percent}percent/'
                        + name.format('4xb64'))
    assert ours.optim_wrapper == theirs.optim_wrapper
    assert ours.train_cfg.max_epochs == theirs.train_cfg.max_epochs
    for key in ('milestones', 'gamma'):
        assert ours.param_scheduler[0][key] == theirs.param_scheduler[0][key]
    assert 8 * ours.train_dataloader.batch_size == 4 * theirs.train_dataloader.batch_size
    assert ours.model.backbone.norm_cfg.type == theirs.model.backbone.norm_cfg.type == 'SyncBN'
    assert ours.train_dataloader.dataset.share == share


def test_semi_supervised_training_changes_everything(root):
    state = write_narrow_trunk(root / 'semi.pth')
    runner = train_config(
        SEMI, root / 'semi', pretrained=root / 'semi.pth',
        options=(*NARROW, *SMALL, *IN_PROCESS, f'data_root={root}/set', 'train_cfg.max_epochs=1'))
    rates = {each: group['lr'] for group in runner.optim_wrapper.param_groups
             for each in group['params']}
    for name, each in runner.model.named_parameters():
        assert rates[each] == pytest.approx(1.0 if name.startswith('head') else 0.01), name
    found = runner.model.backbone.state_dict()
    assert not any(torch.equal(found[name], state[name]) for name in state)
    assert len(runner.train_dataloader.dataset) == 6  # one of four, of each class
    assert 'accuracy/top5' in logged_lines(root / 'semi')[-1]

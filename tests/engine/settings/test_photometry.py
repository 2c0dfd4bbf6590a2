"""``photometry`` moves what follows crop and flip to the device, in real configs and real steps."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS, DefaultScope

from infomin_plugin.engine.settings.photometry import place_photometry
from infomin_plugin.models import InfoMin
from infomin_plugin.registry import MODELS

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob('configs/pretrain/*/*.py'),
                                                     *ROOT.glob('configs/demo/*.py')]
                 if '-form' not in path.name)
CROP, FLIP = dict(type='RandomResizedCrop', size=8), dict(type='RandomFlip')
JITTER, GREY = dict(type='ColorJitter', hue=0.1), dict(type='RandomGrayscale')


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


def config(views, patches=None, photometry='device', **changes):
    multi_view = dict(type='MultiView', views=views, patches=patches)
    preprocessor = dict(type='ViewDataPreprocessor', mean=[0.], std=[1.])
    return Config(dict(
        photometry=photometry, model=dict(data_preprocessor=preprocessor),
        train_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadImage'), multi_view]))
    ) | changes)


def multi_view(cfg):
    return cfg.train_dataloader.dataset.pipeline[1]


def recipes(cfg):
    return cfg.model.data_preprocessor.recipes.to_dict()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_of_the_project(path):
    original = Config.fromfile(ROOT / path)
    cfg = deepcopy(original)
    assert cfg.photometry == 'worker'
    place_photometry(cfg)
    assert cfg.pretty_text == original.pretty_text

    cfg.photometry = 'device'
    place_photometry(cfg)
    before, after = multi_view(original), multi_view(cfg)
    kept = [step.type for step in after.views.recipe]
    assert kept == ['RandomResizedCrop', 'RandomFlip']
    first, *others = recipes(cfg)['views']
    # One view where two are made of it on the device, and with a bank, whose keys are no views'.
    alone = cfg.model.type == 'CrossViewContrast' or cfg.model.memory.type == 'KeyBank'
    assert len(others) == (0 if alone else 1)
    assert first['type'] == 'BatchedRecipe' and all(other == first for other in others)
    assert after.views.num == before.views.num == 1 + len(others)
    assert after.views.recipe + first['recipe'] == before.views.recipe
    # The jigsaw has no colours to change: all of it stays.
    assert after.get('patches') == before.get('patches')
    assert recipes(cfg)['patches'] == [None] * ('patches' in before)
    # Nothing else has changed: kNN's loaders, the model, ...
    cfg.model.data_preprocessor.pop('recipes')
    after.views.recipe, cfg.photometry = before.views.recipe, 'worker'
    assert cfg.pretty_text == original.pretty_text


def test_the_config_that_a_run_dumps_is_left_as_it_is():
    cfg = Config.fromfile(ROOT / 'configs/demo/infomin_r18_images.py')
    cfg.photometry = 'device'
    place_photometry(cfg)
    dumped = Config.fromstring(cfg.pretty_text, '.py')
    place_photometry(dumped)
    assert dumped.pretty_text == cfg.pretty_text
    built = MODELS.build(dumped.model.data_preprocessor)
    names = [type(step).__name__ for step in built.recipes['views'][1].steps]
    assert names == ['RandomApply', 'RandomApply', 'RandAugment', 'RandomGrayscale']
    dumped.photometry = 'worker'
    with pytest.raises(ValueError, match="photometry is 'worker', but .*recipes is set"):
        place_photometry(dumped)


def test_every_view_keeps_its_own_recipe():
    space = dict(type='ColorSpace', space='YDbDr')
    cut = dict(type='JigsawPatches', cell=4, patch=2)
    cfg = config([dict(num=1, recipe=[CROP]), dict(num=2, recipe=[CROP, FLIP, JITTER, space]),
                  dict(num=1, recipe=[GREY])], dict(num=1, recipe=[CROP, FLIP, cut, space]))
    place_photometry(cfg)
    assert [group.recipe for group in multi_view(cfg).views] == [[CROP], [CROP, FLIP], []]
    assert multi_view(cfg).patches.recipe == [CROP, FLIP, cut]
    colours = dict(type='BatchedRecipe', recipe=[JITTER, space])
    assert recipes(cfg) == dict(
        views=[None, colours, colours, dict(type='BatchedRecipe', recipe=[GREY])],
        patches=[dict(type='BatchedRecipe', recipe=[space])])


def test_leading_foreign_steps_stay_and_nothing_to_move_is_no_change():
    foreign = dict(type='mmcv.CenterCrop', crop_size=4)
    cfg = config(dict(num=1, recipe=[foreign, FLIP, JITTER]))
    place_photometry(cfg)
    assert multi_view(cfg).views.recipe == [foreign, FLIP]
    cfg = config(dict(num=2, recipe=[foreign, FLIP]))
    before = cfg.pretty_text
    place_photometry(cfg)
    assert cfg.pretty_text == before


@pytest.mark.parametrize('cfg, message', [
    (config([], photometry='gpu'), r"must be one of \('worker', 'device'\), got 'gpu'"),
    (config(dict(num=1, recipe=[CROP, JITTER, dict(type='mmcv.CenterCrop', crop_size=4)])),
     r"recipe 0 of MultiView's views: step 2, CenterCrop, cannot .* after step 1, ColorJitter"),
    (config(dict(num=1, recipe=[CROP, JITTER, FLIP])), 'step 2, RandomFlip, cannot be applied'),
    (config(dict(num=1, recipe=[CROP, GREY, dict(type='RandomApply', transforms=[FLIP])])),
     r'step 2, RandomApply\(RandomFlip\), cannot be applied'),
    (config(dict(num=1, recipe=[CROP]), dict(num=1, recipe=[
        CROP, JITTER, dict(type='JigsawPatches', cell=4, patch=2)])),
     "recipe 0 of MultiView's patches: step 2, JigsawPatches"),
    (config(dict(num=0, recipe=[CROP])), 'views.num must be at least 1, got 0'),
    (config(dict(num=1, recipe=[CROP, dict(type='ColorJitter', hue=2)])), r'hue must be in'),
    (config(dict(num=1, recipe=[CROP, JITTER]), model=dict(
        data_preprocessor=dict(type='ViewDataPreprocessor', recipes=dict(views=[None, None])))),
     'recipes of MultiView still have steps'),
    (config(dict(num=1, recipe=[CROP]), model=dict(type='InfoMin')), 'needs a model.data_preproc'),
    (config([], train_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadImage')]))),
     'one MultiView in train_dataloader.dataset.pipeline, there are 0'),
    (config([], train_dataloader=dict()), 'one MultiView in .* there are 0'),
])
def test_what_cannot_be_placed_is_named(cfg, message):
    before = cfg.pretty_text
    with pytest.raises(ValueError, match=message):
        place_photometry(cfg)
    assert cfg.pretty_text == before


def test_configs_without_the_key_are_left_alone():
    cfg = Config.fromfile(ROOT / 'configs/demo/mask-rcnn_r18_fpn_coco-form.py')
    before = cfg.pretty_text
    place_photometry(cfg)
    assert 'photometry' not in cfg and cfg.pretty_text == before


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    root, random = tmp_path_factory.mktemp('images'), np.random.RandomState(0)
    for i in range(4):
        image = random.randint(0, 256, (40, 48, 3), np.uint8)
        assert cv2.imwrite(str(root / f'{i}.png'), image)
    return root


def run_a_step(images, work_dir, monkeypatch, **changes):
    """Train the demo's model for one step; returns the views that its loss was given."""
    cfg = Config.fromfile(ROOT / 'configs/demo/infomin_r18_images.py')
    cfg.merge_from_dict({
        'data_root': str(images), 'work_dir': str(work_dir), 'experiment_name': str(work_dir),
        'log_level': 'ERROR', 'photometry': 'device', 'train_cfg.max_epochs': 1,
        'train_dataloader.batch_size': 4, 'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False, 'default_hooks.checkpoint.interval': 9,
        'visualizer.vis_backends': [], **changes})
    seen, loss = [], InfoMin.loss

    def note(self, inputs, *args):
        seen.extend(inputs['views'] + inputs['patches'])
        return loss(self, inputs, *args)

    monkeypatch.setattr(InfoMin, 'loss', note)
    given = cfg.pretty_text
    RUNNERS.build(cfg).train()
    monkeypatch.undo()
    assert len(seen) == 3 and cfg.pretty_text == given
    return seen


def test_the_recipe_reaches_the_loss(images, tmp_path, monkeypatch):
    # Black, whatever the image: but only through the recipe that was moved.
    views = 'train_dataloader.dataset.pipeline.1.views'
    black = [CROP, dict(type='ColorJitter', brightness=(0, 0))]
    *changed, patches = run_a_step(images, tmp_path / 'a', monkeypatch,
                                   **{views: dict(num=2, recipe=black)})
    expected = (-torch.tensor([123.675, 116.28, 103.53]) / torch.tensor([58.395, 57.12, 57.375]))
    for view in changed:
        torch.testing.assert_close(view, expected[:, None, None].expand_as(view))
    assert patches.std() > 0.5


def test_a_seed_repeats_the_views_of_a_run(images, tmp_path, monkeypatch):
    first, second, other = (
        run_a_step(images, tmp_path / name, monkeypatch, **{'randomness.seed': seed})
        for name, seed in (('a', 3), ('b', 3), ('c', 4)))
    for one, two, three in zip(first, second, other, strict=True):
        assert torch.equal(one, two) and not torch.equal(one, three)


def test_training_through_the_tool(images, tmp_path):
    config = 'configs/pretrain/infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py'
    pipeline = 'train_dataloader.dataset.pipeline.1'
    result = subprocess.run(
        [sys.executable, 'tools/train.py', config, '--work-dir', str(tmp_path), '--cfg-options',
         'photometry=device', f'data_root={images}', 'train_dataloader.batch_size=2',
         'train_dataloader.num_workers=1', 'model.memory.length=64', 'train_cfg.max_epochs=1',
         'default_hooks.logger.interval=1', f'{pipeline}.views.recipe.0.size=32',
         f'{pipeline}.patches.recipe.0.size=60', f'{pipeline}.patches.recipe.2.cell=20',
         f'{pipeline}.patches.recipe.2.patch=16'],
        cwd=ROOT, capture_output=True, text=True, timeout=180,
        env={'OMP_NUM_THREADS': '1', 'PATH': str(Path(sys.executable).parent)})
    assert result.returncode == 0, result.stderr[-3000:]
    lines = next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()
    assert len(lines) == 2 and all(np.isfinite(json.loads(line)['loss']) for line in lines)
    dumped = Config.fromfile(tmp_path / Path(config).name)
    assert [step.type for step in multi_view(dumped).views.recipe] == ['RandomResizedCrop',
                                                                       'RandomFlip']
    assert [recipe['type'] for recipe in recipes(dumped)['views']] == ['BatchedRecipe'] * 2

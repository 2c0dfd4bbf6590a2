"""Which steps of a recipe go to the training device, and which config is refused."""

from copy import deepcopy
from pathlib import Path

import pytest
from mmengine.config import Config

from infomin_plugin.engine.photometry import place_photometry

PRETRAIN = Path(__file__).parents[2] / 'configs' / 'pretrain'
INFOMIN = PRETRAIN / 'infomin_resnet50_8xb32-coslr-200e_in1k.py'
MOCO = PRETRAIN / 'mocov2_resnet50_8xb32-coslr-200e_in1k.py'


def config(path=INFOMIN, **options):
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(options)
    return cfg


def names(recipe):
    return [step.type for step in recipe]


def multi_view(cfg):
    return cfg.train_dataloader.dataset.pipeline[1]


def test_workers_are_the_default_and_nothing_moves():
    cfg = config()
    place_photometry(cfg)
    assert cfg.pretty_text == config().pretty_text
    assert cfg.photometry == 'worker'


@pytest.mark.parametrize('path', [INFOMIN, MOCO], ids=['infomin', 'mocov2'])
def test_what_follows_crop_and_flip_moves(path):
    cfg, before = config(path, photometry='device'), config(path)
    place_photometry(cfg)
    recipe = multi_view(before).views.recipe
    assert names(multi_view(cfg).views.recipe) == ['RandomResizedCrop', 'RandomFlip']
    moved = cfg.model.data_preprocessor.recipes
    assert [step.type for step in moved.views] == ['BatchedRecipe'] * 2
    for step in moved.views:
        assert step.recipe == recipe[2:]
    # Patches change no colours: nothing of theirs moves.
    assert multi_view(cfg).get('patches') == multi_view(before).get('patches')
    assert moved.patches == ([None] if 'patches' in multi_view(before) else [])


def test_a_config_that_a_run_has_dumped_is_left_alone(tmp_path):
    cfg = config(photometry='device')
    place_photometry(cfg)
    cfg.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    before = deepcopy(again.to_dict())
    place_photometry(again)
    assert again.to_dict() == before
    again.photometry = 'worker'
    with pytest.raises(ValueError, match="photometry is 'worker', but .*recipes is set"):
        place_photometry(again)


def test_a_mixture_of_both_is_refused():
    cfg = config(photometry='device')
    place_photometry(cfg)
    multi_view(cfg).views.recipe.append(dict(type='RandomGrayscale'))
    with pytest.raises(ValueError, match='still have steps'):
        place_photometry(cfg)


def test_bad_values_and_recipes_are_named():
    with pytest.raises(ValueError, match="photometry must be one of .*'worker'.*got 'gpu'"):
        place_photometry(config(photometry='gpu'))
    cfg = config(photometry='device')
    multi_view(cfg).views.recipe.append(dict(type='mmcv.RandomFlip', prob=0.5))
    with pytest.raises(ValueError, match='recipe 0 of .*views: step 6, RandomFlip, cannot be'):
        place_photometry(cfg)
    cfg = config(photometry='device')
    cfg.train_dataloader.dataset.pipeline.pop(1)
    with pytest.raises(ValueError, match='needs one MultiView'):
        place_photometry(cfg)

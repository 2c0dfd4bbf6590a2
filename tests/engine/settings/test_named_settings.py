"""A setting that something cannot be built with is named; other errors stay what they are."""

from pathlib import Path

import pytest
from config_runs import train_config
from mmengine.config import Config

from infomin_plugin.engine.faults.setup_error import SetupError, setting_up
from infomin_plugin.engine.settings.named_settings import named_settings

IMAGES = Path(__file__).parents[3] / 'configs/demo/infomin_r18_images.py'


@pytest.mark.parametrize('option, words', [
    ('model.head.temprature=0.2',
     r"model.head.temprature: .*unexpected keyword .*; did you mean 'temperature'\?$"),
    ('model.backbone.frozen_stages=x', r'model.backbone: ResNet does not take its settings: .*str'),
    ('model.backbone.depth=19', 'model.backbone: ResNet does not take its settings: .*19'),
    ('model.type=Foo', r'model.type: Foo is not in the \S+ registry$'),
    ('randomness.sed=1', r'randomness.sed: .*unexpected'),
    ('train_dataloader.dataset.splitt=train', r"dataset.splitt: .*; did you mean 'split'"),
    ('train_dataloader.bach_size=4', r"train_dataloader.bach_size: .*did you mean 'batch_size'"),
    ('train_cfg.max_epcohs=4', r"train_cfg.max_epcohs: .*did you mean 'max_epochs'"),
    ('optim_wrapper.optimizer.lrr=4', 'optim_wrapper.optimizer.lrr: .*unexpected'),
    ('param_scheduler.0.T_mx=4', "param_scheduler.0.T_mx: .*did you mean 'T_max'"),
    ('default_hooks.logger.intervl=4', "default_hooks.logger.intervl: .*did you mean 'interval'"),
])
def test_a_setting_that_does_not_fit_is_named(images, tmp_path, option, words):
    with pytest.raises(SetupError, match=words) as error:
        train_config(IMAGES, tmp_path, [
            f'data_root={images}', 'train_dataloader.num_workers=0', 'log_level=ERROR',
            'train_dataloader.persistent_workers=False', 'train_dataloader.batch_size=2',
            'model.memory.length=16', option])
    assert isinstance(error.value.__cause__, TypeError | KeyError)
    assert not list(tmp_path.glob('*/vis_data/scalars.json'))


class Broken:
    def __init__(self):
        raise TypeError('a defect')


@pytest.mark.parametrize('error', [TypeError('a defect'), KeyError('a'), RuntimeError(),
                                   TypeError("f() got an unexpected keyword argument 'other'")])
def test_errors_that_no_setting_explains_are_left(error):
    with pytest.raises(type(error)) as raised, named_settings(Config(dict(model=dict(type='A')))):
        raise error
    assert raised.value is error


def test_the_innermost_constructor_that_the_config_lists_is_named():
    with pytest.raises(SetupError, match='^model.neck: Broken does not .*: a defect$'), \
            named_settings(Config(dict(model=dict(type='A', neck=dict(type='my.Broken'))))):
        Broken()
    with pytest.raises(TypeError, match='a defect'), named_settings(Config(dict())):
        Broken()


def test_only_errors_of_what_is_given_are_of_the_set_up():
    for error in (OSError('full'), ValueError('wrong')):
        with pytest.raises(SetupError, match=str(error)), setting_up():
            raise error
    with pytest.raises(FileNotFoundError), setting_up():
        raise FileNotFoundError('gone')
    with pytest.raises(ZeroDivisionError), setting_up():
        raise ZeroDivisionError

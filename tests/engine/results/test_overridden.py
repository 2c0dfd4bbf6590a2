"""What of a config is not as its file says."""

import pytest
from mmengine.config import Config

from infomin_plugin.engine.results.overridden import overridden_settings

FILE = """
data_root = '/here/set'
model = dict(type='InfoMin', momentum=0.9, head=dict(type='ContrastiveHead', temperature=0.2))
train_dataloader = dict(
    batch_size=32, num_workers=8, dataset=dict(type='ImageFolder', data_root=data_root))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
"""


def config(tmp_path, **options):
    file = tmp_path / 'config.py'
    file.write_text(FILE)
    cfg = Config.fromfile(file)
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in options.items()})
    return cfg


def test_what_changes_the_training_is_named(tmp_path):
    cfg = config(tmp_path, model__head__temperature=0.1, train_cfg__max_epochs=3)
    assert overridden_settings(cfg) == ['model.head.temperature=0.1', 'train_cfg.max_epochs=3']


@pytest.mark.parametrize('key, value, word', [
    ('warm_up', dict(epochs=50), "warm_up={'epochs': 50}"),
    ('run_hooks', dict(finite_loss=dict(action='skip')),
     "run_hooks={'finite_loss': {'action': 'skip'}}"),
    ('pretrained', 'trunk.pth', 'pretrained=trunk.pth'),
    ('load_from', '/there/model.pth', 'load_from=model.pth'),
])
def test_what_changes_it_by_a_key_of_the_runner_is_too(tmp_path, key, value, word):
    assert overridden_settings(config(tmp_path, **{key: value})) == [word]


def test_a_training_that_is_resumed_is_the_same(tmp_path):
    assert overridden_settings(config(tmp_path, load_from='/there/epoch_1.pth', resume=True)) == []


def test_machine_folder_and_share_of_a_batch_are_not(tmp_path):
    assert overridden_settings(config(
        tmp_path, data_root='/there/set', train_dataloader__dataset__data_root='/there/set',
        train_dataloader__num_workers=2, train_dataloader__batch_size=64)) == []


def test_a_dumped_config_keeps_what_was_overridden(tmp_path):
    cfg = config(tmp_path, model__head__temperature=0.1)
    cfg.overridden = overridden_settings(cfg)
    cfg.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    again.merge_from_dict({'model.momentum': 0.5})
    assert overridden_settings(again) == ['model.head.temperature=0.1', 'model.momentum=0.5']


def test_a_config_of_no_file(tmp_path):
    assert overridden_settings(Config(dict(model=dict(type='InfoMin')))) == []

"""The length of a bank that a config leaves to its images."""

import pytest
from image_sets import write_folder_set
from mmengine.config import Config

from infomin_plugin.engine.settings.bank_length import fill_bank_length


def config(root, **memory):
    return Config(dict(model=dict(memory=memory), train_dataloader=dict(dataset=dict(
        type='ImageFolder', data_root=str(root), pipeline=[dict(type='LoadImage')]))))


def test_images_are_counted(tmp_path):
    write_folder_set(tmp_path)
    images = len(list(tmp_path.rglob('*.jpg'))) + len(list(tmp_path.rglob('*.png')))
    cfg = config(tmp_path, type='KeyBank', length=None)
    fill_bank_length(cfg)
    assert cfg.model.memory.length == images > 0


@pytest.mark.parametrize('memory', [dict(type='KeyBank', length=5), dict(type='KeyQueue')])
def test_what_a_config_says_stays(tmp_path, memory):
    cfg = config(tmp_path / 'missing', **memory)
    fill_bank_length(cfg)
    assert cfg.model.memory.to_dict() == memory

"""A dumped config is read as MMEngine reads it, and nothing in it is executed."""

from pathlib import Path

import pytest
from mmengine.config import Config

from infomin_plugin.engine.results.dumped_configs import ConfigTextError, read_config

CONFIGS = Path(__file__).parents[3] / 'configs'


@pytest.mark.parametrize('name', ['detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py',
                                  'cutouts/cmc_r18.py'])
def test_what_mmengine_dumps_is_read_as_by_mmengine(name, tmp_path):
    Config.fromfile(CONFIGS / name).dump(tmp_path / 'dumped.py')
    assert read_config(tmp_path / 'dumped.py') == Config.fromfile(tmp_path / 'dumped.py').to_dict()


def test_all_kinds_of_values(tmp_path):
    values = dict(number=-1.5, end=float('inf'), words="it's", none=None, true=True,
                  nested=dict(pair=(1, -2), listed=[dict(a=1)], keys={'a-b': 1, 2: 'c'}))
    Config(values).dump(tmp_path / 'dumped.py')
    assert read_config(tmp_path / 'dumped.py') == values


@pytest.mark.parametrize('text', [
    "__import__('pathlib').Path({mark!r}).touch()",
    "import pathlib\npathlib.Path({mark!r}).touch()",
    "a = open({mark!r}, 'w')",
    "a = dict(b=[open({mark!r}, 'w')])",
    "a = dict(b={{open({mark!r}, 'w'): 1}})",
    "dict = open\na = dict({mark!r}, 'w')",
    "a = f'{{open({mark!r}, 'w')}}'",
    "a = [open({mark!r}, 'w') for _ in (1, )]",
    "a = dict(**dict(b=1))",
    "a = b",
    "a = 'cut",
    "a = " + "[" * 5000,
])
def test_anything_else_is_refused_and_not_executed(text, tmp_path):
    mark = tmp_path / 'executed'
    file = tmp_path / 'config.py'
    file.write_text(text.format(mark=str(mark)))
    with pytest.raises(ConfigTextError, match=r'config\.py'):
        read_config(file)
    assert not mark.exists()

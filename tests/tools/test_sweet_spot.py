"""What the command refuses; whole sweeps are in tests/engine/resume/test_killed_runs.py."""

from pathlib import Path

import pytest
from tool_modules import load_tool

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/sweet_spot/color-jitter_cutouts.py'


@pytest.mark.parametrize('options, message', [
    (['--vary', 'model.nothing', '--values', '1'], "no key 'model.nothing' to vary"),
    (['--values', '1', '1'], 'values must differ'),
    (['--seeds', '1', '1'], 'a seed is named twice'),
    (['--jobs', '0'], '--jobs must be at least 1, got 0'),
])
def test_what_cannot_be_is_said_before_anything_runs(tmp_path, capsys, options, message):
    tool = load_tool(ROOT / 'tools/analysis/sweet_spot.py')
    with pytest.raises(SystemExit) as ended:
        tool.main([str(ROOT / CONFIG), '--work-dir', str(tmp_path / 'work'), *options])
    assert message in f'{capsys.readouterr().err}{ended.value}'
    assert not (tmp_path / 'work').exists()

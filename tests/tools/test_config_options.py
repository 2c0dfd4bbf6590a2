"""Every tool that reads a config refuses one that is none, and settings that nobody reads."""

import sys
from pathlib import Path

import pytest
from tool_modules import load_tool

TOOLS = Path(__file__).parents[2] / 'tools'
# a tool, and what it is given beside the config
WORDS = {
    'train': [], 'test': ['some.pth'], 'visualize_views': [],
    'analysis/read_out': ['--pretrained', 'random'], 'analysis/mutual_information': ['some.pth'],
    'analysis/cache_features': ['out', '--pretrained', 'random'],
    'analysis/sweet_spot': ['--work-dir', 'work'],
    'analysis/moving_mnist_table': ['--work-dir', 'work'],
    'analysis/view_learning_table': ['--work-dir', 'work'],
    'reproduce/row': ['all'],
}
ONE_CONFIG = list(WORDS)[:6]


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Run a tool on a config of this text and return the message that it ends with."""
    def run(name, text, *words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv('LOCAL_RANK', '0')
        Path('config.py').write_text(text)
        monkeypatch.setattr(sys, 'argv', [name, 'config.py', *WORDS[name], *words])
        with pytest.raises(SystemExit) as error:
            load_tool(TOOLS / f'{name}.py').main()
        return error.value.code
    return run


@pytest.mark.parametrize('name', WORDS)
def test_a_config_with_a_syntax_error_is_named_with_its_line(ended, name):
    assert ended(name, 'a = 1\nb = (\n') == (
        "error: config.py, line 2: '(' was never closed: b = (")


@pytest.mark.parametrize('name', ONE_CONFIG)
def test_a_misspelt_setting_is_refused(ended, name):
    assert ended(name, 'train_cfg = dict(max_epochs=2)\n', '--cfg-options',
                 'trian_cfg.max_epochs=1') == (
        "error: trian_cfg.max_epochs: config.py has no setting 'trian_cfg'; did you mean "
        "'train_cfg'?")


@pytest.mark.parametrize('place', ['.', 'config.py/scores.json'])
def test_an_estimate_that_cannot_be_written_is_not_begun(ended, place):
    message = ended('analysis/mutual_information', 'a = 1\n', '--out', place)
    assert message.startswith(f'error: --out {place} cannot be written: ')

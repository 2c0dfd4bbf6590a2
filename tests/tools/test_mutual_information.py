"""Command line of the estimate; what it measures: engine/measures/test_mutual_information.py."""

import json
from pathlib import Path

import pytest
from tool_modules import load_tool

from infomin_plugin.evaluation.mutual_information import MutualInformation

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis' / 'mutual_information.py'


@pytest.fixture
def tool():
    return load_tool(TOOL)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("model = dict(type='InfoMin')\nmutual_information = dict(candidates=8)\n")
    return path


def test_says_and_writes_what_was_found(tool, config, tmp_path, monkeypatch, capsys):
    seen = []

    def measure(cfg, checkpoint):
        seen.append((cfg.mutual_information.candidates, checkpoint))
        return MutualInformation(2.0, 1.9, 2.1, 8, 2.08, 100, True)

    monkeypatch.setattr('infomin_plugin.engine.measures.mutual_information.measure_mutual_information',
                        measure)
    out = tmp_path / 'new' / 'out.json'
    tool.main([str(config), 'c.pth', '--out', str(out), '--cfg-options',
               'mutual_information.candidates=9'])
    assert seen == [(9, Path('c.pth'))]
    printed = capsys.readouterr().out
    assert 'I_NCE 2.000 nats (95%: 1.900 to 2.100), 100 images, 8 candidates' in printed
    assert printed.endswith('ceiling 2.080: saturated\n')
    assert json.loads(out.read_text())['high'] == 2.1


def test_what_is_missing_is_named(tool, config, tmp_path):
    config.write_text("model = dict(type='InfoMin')\n")
    with pytest.raises(SystemExit, match='has no mutual_information'):
        tool.main([str(config), str(tmp_path / 'c.pth')])

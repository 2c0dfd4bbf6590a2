"""The command: what it writes, and where."""

import json
from pathlib import Path

import pytest
from tool_modules import load_tool
from work_dir_files import write_training

TOOL = Path(__file__).parents[2] / 'tools' / 'analysis' / 'transfer_table.py'


@pytest.fixture(scope='module')
def main():
    return load_tool(TOOL).main


def test_what_is_written(main, tmp_path, capsys):
    write_training(tmp_path / 'work' / 'a', dict(AP=10.0))
    document = tmp_path / 'results.md'
    document.write_text('# Mine\n\n<!-- transfer_table:begin results -->\n'
                        '<!-- transfer_table:end results -->\n\nThe end.\n')
    main([str(tmp_path / 'work'), '--layout', 'wide', '--out', str(tmp_path / 'new' / 'tables.md'),
          '--into', str(document), '--json', str(tmp_path / 'tables.json')])
    row = '| random | 10.0 | 0 |'
    text = document.read_text()
    assert text.startswith('# Mine\n') and text.endswith('\n\nThe end.\n') and row in text
    assert '`tools/analysis/transfer_table.py work --layout wide`' in text
    assert row in (tmp_path / 'new' / 'tables.md').read_text() and row in capsys.readouterr().out
    content = json.loads((tmp_path / 'tables.json').read_text())
    assert content['tables'][0]['rows'][0]['cells']['VOC AP'] == dict(
        mean=10.0, deviation=None, values=[10.0], seeds=['0'])


@pytest.mark.parametrize(('arguments', 'message'), [
    (['nowhere'], 'nowhere'),
    (['.'], 'nothing finished'),
    (['work', '--into', 'empty.md'], 'empty.md: it needs one line <!-- transfer_table:begin empty'),
    (['work', '--into', 'none.md'], 'none.md'),
])
def test_what_is_wrong_is_named_and_nothing_written(main, arguments, message, tmp_path,
                                                    monkeypatch):
    monkeypatch.chdir(tmp_path)
    if 'work' in arguments:
        write_training(tmp_path / 'work' / 'a', dict(AP=10.0))
    (tmp_path / 'empty.md').touch()
    with pytest.raises(SystemExit) as ended:
        main([*arguments, '--layout', 'wide', '--out', 'tables.md'])
    assert message in str(ended.value)
    assert not (tmp_path / 'tables.md').exists() and not (tmp_path / 'empty.md').read_text()

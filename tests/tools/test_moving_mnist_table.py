"""The table of Colorful Moving-MNIST: which run fills which cell."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tool_modules import load_tool

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'moving_mnist_table.py'
FOLDER = ROOT / 'configs' / 'sweet_spot'
CONFIGS = [str(path) for path in sorted(FOLDER.glob('moving-mnist*_cutouts.py'))]


@pytest.fixture(scope='module')
def tool():
    return load_tool(TOOL)


def test_eight_rows_of_one_data_set(tool):
    rows = tool.read_rows(CONFIGS, ['data_root=D'])
    factors = [row.strip('[]').split(',') for row in rows if row != 'supervised']
    assert len(rows) == 8 and len({tuple(each) for each in factors}) == 7
    for shared, experiments in rows.items():
        assert len(experiments) == (3 if shared == 'supervised' else 1)
        for experiment, _ in experiments:
            cfg = experiment.config('contrast')
            assert cfg.data_root == 'D'
            if shared != 'supervised':
                assert cfg.train_dataloader.dataset.shared == shared.strip('[]').split(',')
    filled = [name for _, names in rows['supervised'] for name in names]
    assert sorted(filled) == sorted(set(tool.COLUMNS) - {'held_out_i_nce'})


def test_cells_and_patterns(tool, tmp_path, capsys):
    names = tuple(tool.COLUMNS)
    rows = {'[digit]': [(SimpleNamespace(name='a'), names)],
            'supervised': [(SimpleNamespace(name='b'), names[1:2]),
                           (SimpleNamespace(name='c'), names[3:])]}
    measured = {'held_out_i_nce': 1.5, 'accuracy_digit test': 90.0,
                'accuracy_background test': 12.0, 'error_position test': 14.0}
    results = {('a', 0): measured, ('a', 1): measured | {'accuracy_digit test': 94.0},
               ('b', 0): measured | {'accuracy_digit test': 97.0}, ('c', 0): {
                   'error_position test': 2.0, 'accuracy_digit test': 1.0}}
    tool.write_table(rows, results, {'[digit]': 'digit good'}, tmp_path,
                     dict(command='c', seeds=[0, 1]))
    text = (tmp_path / 'table.md').read_text()
    assert text == capsys.readouterr().out
    assert '| [digit] | 1.50 ± 0.00 | 8.0 ± 2.8 | 88.0 ± 0.0 | 14.0 ± 0.0 | digit good |' in text
    assert '| supervised | – | 3.0 | – | 2.0 | – |' in text
    found = json.loads((tmp_path / 'table.json').read_text())['rows']
    assert found[0]['seeds']['1']['accuracy_digit test'] == 6.0  # an error, as its column says


@pytest.mark.parametrize('arguments, message', [
    (['--seeds', '1', '1'], 'a seed is named twice'),
    (['--jobs', '0'], '--jobs must be at least 1'),
])
def test_bad_command_lines_are_named(tool, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        tool.parse_args([*CONFIGS, '--work-dir', str(tmp_path), *arguments])
    assert message in capsys.readouterr().err


def test_other_configs_are_refused_before_anything_runs(tool, tmp_path):
    with pytest.raises(SystemExit, match='has no sweep'):
        tool.main([str(ROOT / 'configs/pretrain/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py'),
                   '--work-dir', str(tmp_path / 'work')])
    assert not (tmp_path / 'work').exists()

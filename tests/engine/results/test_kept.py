"""Results kept in a file: the same tables as from the folders."""

import json
import shutil

import pytest
from work_dir_files import initialisation, write_pretraining, write_training

from infomin_plugin.engine.results.curves import mean_curves
from infomin_plugin.engine.results.kept import Results
from infomin_plugin.engine.results.markdown import render
from infomin_plugin.engine.results.tables import by_task


def text_of(results):
    tables, repeated = by_task(results.measurements)
    return render([table for _, table in tables], repeated, 'command')


def runs(root, seed, score):
    for kind, column in (('voc', 'AP'), ('coco', 'box AP')):
        for method in ('random', 'InfoMin'):
            write_training(root / f'{method}-{kind}-{seed}', {column: score}, kind,
                           start=initialisation(method, seed=seed), seed=seed)
    write_pretraining(root, 'InfoMin', seed, {0: 10., 4: score})


def test_folders_that_are_gone_make_the_same_tables(tmp_path):
    runs(tmp_path / 'work', 0, 20.)
    found = Results.read([tmp_path / 'work'])
    found.keep(tmp_path / 'kept' / 'results.json')
    shutil.rmtree(tmp_path / 'work')
    kept = Results.read([tmp_path / 'kept' / 'results.json'])
    assert kept.curves == found.curves and len(kept.measurements) == len(found.measurements) == 4
    assert text_of(kept) == text_of(found) and '| 20.0 |' in text_of(kept)


def test_kept_seeds_and_those_of_folders_make_one_cell(tmp_path):
    runs(tmp_path / 'first', 0, 20.)
    runs(tmp_path / 'second', 1, 30.)
    Results.read([tmp_path / 'first']).keep(tmp_path / 'first.json')
    both = Results.read([tmp_path / 'first.json', tmp_path / 'second'])
    assert text_of(both).count('| 25.0 ± 7.1 | 0, 1 |') == 4
    assert mean_curves(both.curves)['InfoMin, 4 epochs'][-1]['test'] == 25.
    assert str(tmp_path) not in (tmp_path / 'first.json').read_text()


def test_what_was_run_again_replaces_what_was_kept(tmp_path):
    runs(tmp_path / 'first', 0, 20.)
    Results.read([tmp_path / 'first']).keep(tmp_path / 'first.json')
    shutil.rmtree(tmp_path / 'first')
    runs(tmp_path / 'again', 0, 30.)
    both = Results.read([tmp_path / 'again', tmp_path / 'first.json'])
    assert text_of(both).count('| 30.0 | 0 |') == 4
    assert mean_curves(both.curves)['InfoMin, 4 epochs'][-1]['test'] == 30.


@pytest.mark.parametrize('content', [
    '', '[]', '{"kind": "another"}', '{"kind": "infomin_plugin results", "format": 2}',
    json.dumps(dict(kind='infomin_plugin results', format=1, settings=[], curves=[],
                    measurements=[dict(seed=0)])),
])
def test_another_file_is_named(content, tmp_path):
    file = tmp_path / 'other.json'
    file.write_text(content)
    with pytest.raises(ValueError, match=r'other\.json is no file of results'):
        Results.read([file])

import csv
import json

import pytest
from experiment_files import FROZEN, LEARN

from infomin_plugin.engine.chains.sweeps import peaks_of, read_sweep, runs_of, write_results

SWEEP = """
mutual_information = dict()
sweep = dict(keys=['model.generator.sigma'], values=[0.5, 1, 2], label='sigma, px')
model['generator']['sigma'] = 1.0
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'frozen.py'
    path.write_text(FROZEN + SWEEP)
    return path


def test_a_config_says_what_is_varied(config):
    sweep = read_sweep(config, ['data_root=D'])
    assert sweep.label == 'sigma, px' and list(sweep.experiments) == ['0.5', '1', '2']
    assert [experiment.name for experiment in sweep.experiments.values()] == [
        'value_0.5', 'value_1', 'value_2']
    assert sweep.experiments['2'].options['contrast'] == ('data_root=D', 'model.generator.sigma=2')
    assert sweep.experiments['2'].config('contrast').model.generator.sigma == 2


def test_any_key_can_be_varied(config):
    sweep = read_sweep(config, keys=['model.generator.space', 'model.type'], values=['Lab', 'HSV'])
    assert sweep.label == 'model.generator.space'
    assert sweep.experiments['HSV'].options['contrast'] == (
        'model.generator.space=HSV', 'model.type=HSV')


def test_a_key_of_one_stage(config, tmp_path):
    (tmp_path / 'learn.py').write_text(LEARN)
    sweep = read_sweep(tmp_path / 'learn.py', keys=['learning.train_cfg.max_iters'], values=['7'])
    experiment = sweep.experiments['7']
    assert experiment.config('learning').train_cfg.max_iters == 7
    assert experiment.config('contrast').train_cfg.max_iters == 30


@pytest.mark.parametrize('settings, message', [
    (dict(keys=['model.generator.sgima']), "no key 'model.generator.sgima' to vary"),
    (dict(keys=['train_cfg.0']), "no key 'train_cfg.0'"),
    (dict(values=['1', '2', '1']), 'values must differ'),
])
def test_a_sweep_that_cannot_be_is_refused(config, settings, message):
    with pytest.raises(ValueError, match=message):
        read_sweep(config, **settings)


def test_what_is_missing_is_named(config):
    config.write_text(FROZEN + SWEEP.replace('mutual_information = dict()', ''))
    with pytest.raises(ValueError, match='has no mutual_information: which images are held out'):
        read_sweep(config)
    config.write_text(FROZEN)
    with pytest.raises(ValueError, match='no sweep: give --vary KEY and --values'):
        read_sweep(config)


def test_results_by_value_and_seed(config, tmp_path):
    sweep = read_sweep(config)
    measured = {'value_2': (3.0, 40.0), 'value_0.5': (1.0, 45.0)}
    results = {(name, seed): {'held_out_i_nce': shared + seed, 'accuracy_test': accuracy}
               for name, (shared, accuracy) in measured.items() for seed in (1, 0)}
    runs = runs_of(sweep, results)
    assert [(run['value'], run['seed'], run['held_out_i_nce']) for run in runs] == [
        ('0.5', 0, 1.0), ('0.5', 1, 2.0), ('2', 0, 3.0), ('2', 1, 4.0)]
    write_results(tmp_path, sweep, runs, dict(command='c'))
    found = json.loads((tmp_path / 'sweep.json').read_text())
    assert found['runs'] == runs and found['command'] == 'c' and found['keys'] == [
        'model.generator.sigma']
    peak = found['peaks']['test']
    assert peak['supported'] is False and peak['low'] is None and 'too few' in peak['reason']
    with (tmp_path / 'sweep.csv').open() as file:
        lines = list(csv.DictReader(file))
    assert lines[2] == dict(value='2', seed='0', held_out_i_nce='3.0', accuracy_test='40.0')


def test_a_peak_for_each_task():
    runs = [dict(value=str(x), seed=seed, held_out_i_nce=x + 0.01 * seed,
                 accuracy_digits=50 - 4 * (x - 2)**2 + 0.3 * seed, accuracy_places=30 + 5.0 * x)
            for x in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5) for seed in (0, 1)]
    peaks = peaks_of(runs)
    assert peaks['digits'].supported and peaks['digits'].location == pytest.approx(2, abs=0.05)
    assert not peaks['places'].supported and 'rises' in peaks['places'].reason

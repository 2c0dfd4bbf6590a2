import pytest
from experiment_files import FROZEN, LEARN, Recorder, log

from infomin_plugin.engine.chains.experiments import (
    last_logged,
    read_experiment,
    run_all,
    summarise,
)
from infomin_plugin.engine.chains.stages import StageError


@pytest.fixture
def configs(tmp_path):
    for name, text in (('learn', LEARN), ('frozen', FROZEN)):
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


def test_the_frozen_views_are_those_that_were_learned(configs, tmp_path):
    options = ['data_root=D', 'learning.train_cfg.max_iters=5', 'contrast.train_cfg.max_iters=6']
    stages = Recorder(tmp_path / 'work')
    found = read_experiment(configs / 'learn.py', options).run(stages, seed=4)
    folder = tmp_path / 'work' / 'learn' / 'seed4'
    learning, contrast, read_out = (
        stages.commands[name] for name in ('learning', 'contrast', 'read_out'))
    assert learning[-3:] == ['randomness.seed=4', 'data_root=D', 'train_cfg.max_iters=5']
    assert contrast[-4:] == ['randomness.seed=4', 'data_root=D', 'train_cfg.max_iters=6',
                             f'model.generator.init_cfg.checkpoint={folder}/learning/iter_5.pth']
    assert str(folder / 'contrast' / 'iter_6.pth') in read_out and 'data_root=D' in read_out
    assert found == dict(accuracy_test=50.0, i_nce_learning=1.0, i_nce_contrast=2.0,
                         seconds_learning=7.0, seconds_contrast=7.0, seconds_read_out=7.0)


def test_raw_views_are_not_learned(configs, tmp_path):
    stages = Recorder(tmp_path / 'work')
    found = read_experiment(configs / 'frozen.py').run(stages, seed=0)
    assert list(stages.commands) == ['contrast', 'read_out']
    assert not any('generator' in word for word in stages.commands['contrast'])
    assert 'i_nce_learning' not in found


def test_what_views_share_is_measured_where_the_config_says_how(configs, tmp_path):
    (configs / 'frozen.py').write_text(FROZEN + 'mutual_information = dict()')
    scores = dict(read_out={'digit test': 50.0, 'position test error': 3.5},
                  mutual_information=dict(i_nce=2.5, low=2.0))
    stages = Recorder(tmp_path / 'work', scores)
    found = read_experiment(configs / 'frozen.py', ['data_root=D'], 'mine').run(stages, seed=3)
    command = stages.commands['mutual_information']
    assert command[:3] == ['tools/analysis/mutual_information.py', str(configs / 'frozen.py'),
                           str(tmp_path / 'work/mine/seed3/contrast/iter_30.pth')]
    assert command[-2:] == ['--cfg-options', 'data_root=D']
    assert found == {
        'i_nce_contrast': 1.0, 'accuracy_digit test': 50.0, 'error_position test': 3.5,
        'held_out_i_nce': 2.5, 'held_out_low': 2.0, 'seconds_contrast': 7.0,
        'seconds_read_out': 7.0, 'seconds_mutual_information': 7.0}


def test_runs_may_be_of_epochs(configs, tmp_path):
    (configs / 'frozen.py').write_text(FROZEN.replace('max_iters=30', 'max_epochs=4'))
    stages = Recorder(tmp_path / 'work')
    read_experiment(configs / 'frozen.py').run(stages, seed=0)
    assert str(tmp_path / 'work/frozen/seed0/contrast/epoch_4.pth') in stages.commands['read_out']


def test_views_that_another_config_learns_are_refused(configs):
    (configs / 'other.py').write_text(
        FROZEN + "model['generator']['init_cfg'] = dict(type='Pretrained', checkpoint='x')")
    with pytest.raises(ValueError, match='views that another config learns: give that one'):
        read_experiment(configs / 'other.py')


class Told:
    """An experiment that does as it is told: a result, or an error."""

    def __init__(self, name, outcome):
        self.name, self.outcome = name, outcome

    def run(self, stages, seed):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return dict(value=self.outcome + seed)


def test_one_that_fails_does_not_stop_the_others(capsys):
    seen = []
    experiments = [Told('a', 10), Told('b', StageError('b broke')), Told('c', 20)]
    results, failures = run_all(experiments, None, [0, 1], 1, lambda done: seen.append(dict(done)))
    assert results == {('a', 0): dict(value=10), ('a', 1): dict(value=11),
                       ('c', 0): dict(value=20), ('c', 1): dict(value=21)}
    assert failures == ['b broke'] * 2 and capsys.readouterr().err.count('FAILED: b broke') == 2
    assert len(seen) == 6 and seen[-1] == results


def test_the_last_value_of_all_parts_of_a_run(tmp_path):
    log(tmp_path, '20260101_000000', [dict(i_nce=1.0), dict(i_nce=2.0), dict(loss=3.0)])
    log(tmp_path, '20260102_000000', [dict(loss=4.0)])  # resumed after its last step
    assert last_logged(tmp_path, 'i_nce') == 2.0
    assert last_logged(tmp_path, 'accuracy') is None
    killed, = tmp_path.glob('20260101_000000/*/scalars.json')
    killed.write_text(killed.read_text() + '\n{"i_nce": 5')  # within its last line
    assert last_logged(tmp_path, 'i_nce') == 2.0
    with pytest.raises(ValueError, match='elsewhere has no logs'):
        last_logged(tmp_path / 'elsewhere', 'i_nce')


def test_mean_and_deviation_over_seeds():
    found = summarise([dict(a=1.0, b=2.0), dict(a=3.0), dict(a=5.0)])
    assert found == dict(a=(3.0, 2.0), b=(2.0, None))

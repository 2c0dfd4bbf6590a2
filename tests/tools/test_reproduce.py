"""A row as a chain of commands: printed, run, killed half-way and finished."""

import fcntl
import shutil
from pathlib import Path

import pytest
from table_files import write_project
from tool_modules import load_tool

TOOL = Path(__file__).parents[2] / 'tools' / 'reproduce' / 'row.py'


@pytest.fixture
def row(tmp_path, monkeypatch):
    """The tool's main function, in a project of its own."""
    path = tmp_path / 'tools' / 'reproduce' / 'row.py'
    path.parent.mkdir(parents=True)
    shutil.copy(TOOL, path)
    module = load_tool(path)
    table = write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda *words: module.main([str(table), *words])


def ran(tmp_path):
    """Tool and seed of each run, in order."""
    lines = (tmp_path / 'ran').read_text().splitlines() if (tmp_path / 'ran').exists() else []
    return [line.split()[0] for line in lines]


def failure(row, *words):
    """The message of a command that fails."""
    with pytest.raises(SystemExit) as error:
        row(*words)
    return str(error.value)


def test_it_prints_commands_and_runs_nothing(row, tmp_path, capsys):
    row('random', '--gpus', '1', '--seeds', '0', '1', '--only', 'read_out')
    assert capsys.readouterr().out.splitlines() == [
        line for seed in (0, 1) for line in (
            f'# random/seed{seed}/read_out',
            f'python tools/analysis/read_out.py out.py --pretrained random --seed {seed} --out '
            f'runs/random/seed{seed}/read_out_scores.json')]
    assert ran(tmp_path) == [] and not (tmp_path / 'runs').exists()


@pytest.mark.parametrize('option, words', [
    ('nope.key=1', "error: nope.key: infomin.py has no setting 'nope'"),
    ('pretrain:train_cfg=3', "error: train_cfg=3: 'train_cfg' of infomin.py is a group"),
    ('voc:splitt=test', "error: splitt: two-view.py has no setting 'splitt'; did you mean 'split'"),
])
def test_a_wrong_setting_is_named_before_anything_is_printed(row, capsys, option, words):
    assert words in failure(row, 'cmc', '--gpus', '2', '--cfg-options', option)
    assert not capsys.readouterr().out


def test_it_lists_rows(row, capsys):
    row('--list')
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert ['infomin-long', 'InfoMin', 'read_out', 'voc', 'unseen'] in lines
    assert ['cmc', 'CMC', 'voc', 'unseen'] in lines


def test_a_chain_that_is_killed_goes_on_where_it_stopped(row, tmp_path, capsys):
    words = ['cmc', 'random', '--gpus', '0', '--run']
    (tmp_path / 'kill').write_text('two-view.py --work-dir')  # the detector of cmc
    assert '1 of 2 chains failed; the same command goes on' in failure(row, *words)
    assert 'cmc/seed0/voc failed with exit code -9' in capsys.readouterr().err
    # the other row is not stopped by it
    first = ['train', 'export_backbone', 'train', 'read_out', 'train', 'test']
    assert ran(tmp_path) == first
    (tmp_path / 'kill').unlink()
    row(*words)
    assert ran(tmp_path) == [*first, 'train', 'test']
    again, test = (tmp_path / 'ran').read_text().splitlines()[-2:]
    assert again == ('train two-view.py --work-dir runs/cmc/seed0/voc --resume --pretrained '
                     'runs/cmc/seed0/backbone.pth --cfg-options randomness.seed=0 split=test '
                     'depth=9 train_dataloader.batch_size=6')
    assert test.startswith('test two-view.py runs/cmc/seed0/voc/iter_30.pth')
    row(*words)
    assert len(ran(tmp_path)) == 8


def test_the_scripts_of_several_gpus_are_run(row, tmp_path, monkeypatch):
    """dist_train.sh is no Python script; the two GPUs are made up."""
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    script = tmp_path / 'tools' / 'dist_train.sh'
    script.write_text('#!/usr/bin/env bash\necho "$@" > given\n')
    script.chmod(0o755)
    row('random', '--only', 'voc', '--run')
    assert (tmp_path / 'given').read_text().split() == [
        'detector.py', '2', '--work-dir', 'runs/random/seed0/voc', '--resume', '--pretrained',
        'random', '--cfg-options', 'randomness.seed=0', 'split=test', 'depth=18']


def test_a_row_that_another_process_works_on_is_left_out(row, tmp_path, capsys):
    log = tmp_path / 'runs/infomin-long/seed0/pretrain.log'
    log.parent.mkdir(parents=True)
    words = ['infomin-long', 'random', '--gpus', '0', '--only', 'read_out', '--run', '--seeds']
    with log.open('w') as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert '1 of 4 chains failed' in failure(row, *words, '0', '1')
    assert 'another process works on infomin-long/seed0/pretrain in runs' in capsys.readouterr().err
    assert sorted(ran(tmp_path)) == ['export_backbone', *['read_out'] * 3, 'train']
    row(*words, '0')
    assert len(ran(tmp_path)) == 8


@pytest.mark.parametrize('words, script, threads', [
    (['--gpus', '2'], 'dist_train', '8'),
    (['--launcher', 'slurm', '--partition', 'p'], 'slurm_train', 'unset')])
def test_the_processes_of_this_machine_share_its_cores(
        row, tmp_path, monkeypatch, words, script, threads):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr('os.cpu_count', lambda: 16)
    monkeypatch.setattr('torch.cuda.device_count', lambda: 2)
    path = tmp_path / 'tools' / f'{script}.sh'
    path.write_text('#!/usr/bin/env bash\necho "${OMP_NUM_THREADS-unset}" > given\n')
    path.chmod(0o755)
    row('random', '--only', 'voc', '--run', *words)
    assert (tmp_path / 'given').read_text().strip() == threads


@pytest.mark.parametrize('words, message', [
    (['simclr'], 'has no row .simclr.; it has random, infomin-long, cmc'),
    (['cmc', '--launcher', 'pytorch', '--gpus', '0'], 'starts a process a GPU, but gpus is 0'),
    (['cmc', '--launcher', 'slurm'], 'which needs one'),
    (['cmc', '--jobs', '2'], '--jobs 2: rows would share the GPUs'),
    (['cmc', '--gpus', '99', '--cfg-options', 'train_dataloader.batch_size=1', '--run'],
     r'is to have 99 GPUs, this machine has \d'),
])
def test_what_cannot_be_done_is_refused(row, tmp_path, words, message):
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        row(*words)
    assert ran(tmp_path) == []


@pytest.mark.parametrize('words, message', [
    ([], 'give a ROW, or --list'),
    (['cmc', '--seed', '-1'], 'a seed must be from 0 to 4294967295, got -1'),
    (['cmc', '--seeds', '1', '1'], 'a seed is named twice'),
    (['cmc', '--jobs', '0'], '--jobs must be at least 1'),
])
def test_wrong_words(row, capsys, words, message):
    with pytest.raises(SystemExit):
        row(*words)
    assert message in capsys.readouterr().err

import json

import pytest

from infomin_plugin.engine.chains.stages import StageError, Stages


@pytest.fixture
def script(tmp_path):
    """A script that leaves a line a run, prints its words and ends with a code of its choice."""
    path = tmp_path / 'script.py'
    path.write_text('import os, pathlib, sys\n'
                    'runs = pathlib.Path(sys.argv[0]).with_name("runs")\n'
                    'runs.open("a").write(os.environ["OMP_NUM_THREADS"] + "\\n")\n'
                    'print("words", sys.argv[1:])\n'
                    'code = pathlib.Path(sys.argv[1])\n'
                    'sys.exit(int(code.read_text()) if code.exists() else 0)\n')
    return path


def runs(tmp_path):
    return (tmp_path / 'runs').read_text().split()


def stages(tmp_path):
    """New ones: those of before have let go of the folder when the last reference went."""
    return Stages(tmp_path / 'work', tmp_path, threads=3)


def test_a_finished_stage_is_not_run_again(script, tmp_path, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    first = stages(tmp_path).run('row/seed0/learning', ['script.py', 'a'])
    again = stages(tmp_path).run('row/seed0/learning', ['script.py', 'a'])
    assert runs(tmp_path) == ['3'] and first == again > 0
    assert "words ['a']" in (tmp_path / 'work/row/seed0/learning.log').read_text()


def test_a_failed_stage_is_named_and_goes_on_later(script, tmp_path):
    code = tmp_path / 'code'
    code.write_text('3')
    with pytest.raises(StageError, match=r"one failed with exit code 3, see .*one\.log:\n.*words"):
        stages(tmp_path).run('one', ['script.py', code])
    code.unlink()
    stages(tmp_path).run('one', ['script.py', code])
    stages(tmp_path).run('one', ['script.py', code])
    assert len(runs(tmp_path)) == 2
    record = json.loads((tmp_path / 'work/one.json').read_text())
    assert record['done'] and record['seconds'] > 0


@pytest.mark.parametrize('command, settings, words', [
    (['script.py', 'b'], 'lr = 1', r'another command \(python script.py a\)'),
    (['script.py', 'a'], 'lr = 2', r'other settings \(lr = 1'),
])
def test_a_stage_begun_otherwise_is_refused(script, tmp_path, command, settings, words):
    stages(tmp_path).run('one', ['script.py', 'a'], settings='x = 0\nlr = 1')
    with pytest.raises(StageError, match=f'one was begun with {words}'):
        stages(tmp_path).run('one', command, settings=f'x = 0\n{settings}')
    assert len(runs(tmp_path)) == 1


def test_a_killed_stage_is_run_again(script, tmp_path):
    stages(tmp_path).run('one', ['script.py', 'a'])
    record = tmp_path / 'work/one.json'
    record.write_text(record.read_text().replace('true', 'false'))
    stages(tmp_path).run('one', ['script.py', 'a'])
    assert len(runs(tmp_path)) == 2


def test_a_second_process_is_refused(script, tmp_path):
    first = stages(tmp_path)
    with pytest.raises(StageError, match=r'another process works in .*work'):
        stages(tmp_path)
    first.run('one', ['script.py', 'a'])
    del first
    stages(tmp_path).run('one', ['script.py', 'a'])
    assert len(runs(tmp_path)) == 1


def test_a_stage_that_is_preempted_is_not_done(tmp_path):
    """Trainings end with the status that they are told, see PreemptionHook."""
    (tmp_path / 'train.py').write_text(
        'import os, sys\nsys.exit(int(os.environ["PREEMPTED_STATUS"]))')
    with pytest.raises(StageError, match='one failed with exit code 75'):
        stages(tmp_path).run('one', ['train.py'])
    assert not json.loads((tmp_path / 'work/one.json').read_text())['done']

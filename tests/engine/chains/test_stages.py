import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from infomin_plugin.engine.chains import stages as stages_module
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


def test_a_second_user_of_a_folder_that_is_not_shared_is_refused(script, tmp_path):
    first = stages(tmp_path)
    with pytest.raises(StageError, match=r'another process works in .*work'):
        stages(tmp_path)
    first.run('one', ['script.py', 'a'])
    del first
    stages(tmp_path).run('one', ['script.py', 'a'])
    assert len(runs(tmp_path)) == 1


@pytest.fixture
def waiting(tmp_path):
    """A script that leaves its id in the folder that it is given and ends when it finds 'go'."""
    (tmp_path / 'waiting.py').write_text(
        'import os, pathlib, sys, time\n'
        'folder = pathlib.Path(sys.argv[1])\n'
        '(folder / "id.new").write_text(str(os.getpid()))\n'
        'os.replace(folder / "id.new", folder / "id")\n'
        'end = time.monotonic() + 60\n'
        'while not (folder / "go").exists() and time.monotonic() < end:\n'
        '    time.sleep(0.02)\n')
    # starts it as torchrun starts its workers, which get nothing but the streams
    (tmp_path / 'starter.py').write_text(
        'import subprocess, sys\n'
        'sys.exit(subprocess.run([sys.executable, "waiting.py", *sys.argv[1:]]).returncode)\n')
    return tmp_path


def wait_for(happened):
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def start(root, name, script, folder, **settings):
    """Run a stage in another process; returns when the script is at work."""
    folder.mkdir(exist_ok=True)
    # the module alone: the package takes seconds
    code = ('import runpy\nfrom pathlib import Path\n'
            f'module = runpy.run_path({stages_module.__file__!r})\n'
            f'stages = module["Stages"](Path("work"), Path(), **{settings})\n'
            f'stages.run({name!r}, [{script!r}, {str(folder)!r}])\n')
    process = subprocess.Popen(
        [sys.executable, '-c', code], cwd=root, stdout=subprocess.DEVNULL)
    wait_for((folder / 'id').exists)
    return process


def test_processes_share_a_folder_but_no_stage(script, waiting, tmp_path):
    a, b = tmp_path / 'a', tmp_path / 'b'
    first = start(tmp_path, 'a/seed0/pretrain', 'waiting.py', a, shared=True)
    second = start(tmp_path, 'b/seed0/pretrain', 'waiting.py', b, shared=True)
    third = Stages(tmp_path / 'work', tmp_path, shared=True)
    words = r'another process works on a/seed0/pretrain in .*work: wait for it'
    with pytest.raises(StageError, match=words):
        third.run('a/seed0/pretrain', ['waiting.py', a])
    third.run('a/seed1/pretrain', ['script.py', 'c'])
    for folder, process in ((a, first), (b, second)):
        (folder / 'go').touch()
        assert process.wait(timeout=30) == 0
    # done by others: taken as it is
    shutil.rmtree(a)
    assert third.run('a/seed0/pretrain', ['waiting.py', a]) > 0
    assert not a.exists()


@pytest.mark.parametrize('script', ['waiting.py', 'starter.py'])
def test_a_killed_process_leaves_its_stage_locked_while_the_script_lives(waiting, script):
    folder = waiting / 'a'
    process = start(waiting, 'one', script, folder, shared=True)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    again = Stages(waiting / 'work', waiting, shared=True)
    with pytest.raises(StageError, match='another process works on one in'):
        again.run('one', [script, folder])
    orphan = (folder / 'id').read_text()
    (folder / 'go').touch()

    def run():
        try:
            return again.run('one', [script, folder])
        except StageError:  # the orphan has still to end
            return None

    wait_for(run)
    assert (folder / 'id').read_text() != orphan


def test_a_killed_process_leaves_the_folder_of_its_own_locked(waiting):
    process = start(waiting, 'one', 'waiting.py', waiting / 'a')
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    with pytest.raises(StageError, match='another process works in .*work: wait for it'):
        stages(waiting)
    (waiting / 'a' / 'go').touch()


def test_a_stage_that_another_process_has_just_done(script, tmp_path, monkeypatch):
    """Between the look at the record and the lock."""
    done = stages(tmp_path).run('one', ['script.py', 'a'])
    record = tmp_path / 'work/one.json'
    whole = record.read_text()
    record.write_text(whole.replace('true', 'false'))
    mine = stages(tmp_path)
    monkeypatch.setattr(fcntl, 'flock', lambda file, kind: record.write_text(whole))
    assert mine.run('one', ['script.py', 'a']) == done and len(runs(tmp_path)) == 1


@pytest.mark.parametrize('number', [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_it_goes_on_with_one_warning(script, tmp_path, monkeypatch, number):
    def flock(file, kind):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, 'flock', flock)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('default')
        mine = stages(tmp_path)
        for name in ('one', 'two'):
            mine.run(name, ['script.py', 'a'])
    assert [str(each.message).split(':')[0] for each in said] == [
        f'the work dir is on a file system without locks ({os.strerror(number)})']
    assert len(runs(tmp_path)) == 2


@pytest.mark.parametrize('threads, processes, given, expected', [
    (3, 1, None, '3'), (12, 4, None, '3'), (12, 16, None, '1'), (12, 4, '5', '5'),
    (None, 4, None, 'unset'), (None, 1, '5', '5')])
def test_threads(tmp_path, monkeypatch, threads, processes, given, expected):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    if given:
        monkeypatch.setenv('OMP_NUM_THREADS', given)
    (tmp_path / 'show.py').write_text(
        'import os\nprint(os.environ.get("OMP_NUM_THREADS", "unset"))\n')
    Stages(tmp_path / 'work', tmp_path, threads).run('one', ['show.py'], processes=processes)
    assert (tmp_path / 'work/one.log').read_text() == f'{expected}\n'


def test_python_is_that_of_this_process(tmp_path, monkeypatch):
    """As in an environment that is not activated."""
    monkeypatch.setenv('PATH', '/usr/bin:/bin')
    (tmp_path / 'show.py').write_text(
        'import subprocess\nsubprocess.run(["bash", "-c", "command -v python; command -v cat"])')
    stages(tmp_path).run('one', ['show.py'])
    python, cat = (tmp_path / 'work/one.log').read_text().split()
    assert Path(python).parent == Path(sys.executable).parent
    assert cat in ('/usr/bin/cat', '/bin/cat')


def test_a_stage_that_is_preempted_is_not_done(tmp_path):
    """Trainings end with the status that they are told, see PreemptionHook."""
    (tmp_path / 'train.py').write_text(
        'import os, sys\nsys.exit(int(os.environ["PREEMPTED_STATUS"]))')
    with pytest.raises(StageError, match='one failed with exit code 75'):
        stages(tmp_path).run('one', ['train.py'])
    assert not json.loads((tmp_path / 'work/one.json').read_text())['done']

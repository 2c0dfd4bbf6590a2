"""Children obey their parent's SIGTERM, and nobody else's; the parent is as it was."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from mmengine.hooks import Hook
from toy_runs import fork, train_toy, wait

from infomin_plugin.engine.runner.workers import shielded_forks
from infomin_plugin.registry import HOOKS

SIGTERM = signal.SIGTERM


@pytest.fixture
def deaf():
    """A handler that takes note only, as in a training."""
    noted = []
    before = signal.signal(SIGTERM, lambda *_: noted.append(os.getpid()))
    yield noted
    signal.signal(SIGTERM, before)


def tell(pid):
    """A signal from another process."""
    subprocess.run(['kill', '-TERM', str(pid)], check=True)


def ends(process, seconds=5.0):
    process.join(seconds)
    return process.exitcode is not None


@pytest.mark.usefixtures('deaf')
def test_a_forked_child_ends_when_its_parent_says_so():
    with shielded_forks():
        child = fork(time.sleep, 60)
        child.terminate()  # at once: the child may not have begun
        assert ends(child)


@pytest.mark.usefixtures('deaf')
def test_and_not_when_another_does():
    with shielded_forks():
        child = fork(time.sleep, 60)
    tell(child.pid)
    assert not ends(child, 0.5)
    child.terminate()
    assert ends(child)


@pytest.mark.usefixtures('deaf')
def test_a_childs_child_obeys_the_child():
    def nest():
        grandchild = fork(time.sleep, 60)
        tell(grandchild.pid)
        early = ends(grandchild, 0.5)
        grandchild.terminate()
        sys.exit(3 if not early and ends(grandchild) else 4)

    with shielded_forks():
        child = fork(nest)
    wait(child)
    assert child.exitcode == 3


def test_an_orphan_obeys_anybody():
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def leave():
        sender.send(fork(time.sleep, 60).pid)
        os._exit(0)

    with shielded_forks():
        fork(leave).join()  # without a limit: it would look whether the grandchild has ended
    orphan = receiver.recv()
    tell(orphan)
    for _ in range(50):
        if not alive(orphan):
            return
        time.sleep(0.1)
    os.kill(orphan, signal.SIGKILL)
    pytest.fail('it lives')


def alive(pid):
    """Whether a process runs: one that nobody waits for may be left as a zombie."""
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_the_parent_hears_as_before(deaf):
    with shielded_forks():
        wait(fork(os.getpid))
        assert SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        signal.raise_signal(SIGTERM)
    assert deaf == [os.getpid()]


def test_later_forks_are_left_alone():
    with shielded_forks():
        pass
    child = fork(time.sleep, 60)
    tell(child.pid)
    assert ends(child) and child.exitcode == -SIGTERM


def test_programs_are_left_alone():
    with shielded_forks():
        program = subprocess.Popen(['sleep', '60'])
    tell(program.pid)
    assert program.wait(5) == -SIGTERM


@HOOKS.register_module(force=True)
class EndedChildHook(Hook):
    """Ends a child and waits for it, as a pool does that is dropped."""

    def after_train_epoch(self, runner):
        """After the epoch, where a validation is."""
        child = fork(time.sleep, 60)
        child.terminate()
        child.join()


def test_a_training_waits_for_no_child_that_it_has_ended(tmp_path):
    """mmdet's VOC evaluation drops a pool for each IoU threshold: now and then it hung."""
    child = fork(lambda: train_toy(tmp_path, epochs=1,
                                   custom_hooks=[dict(type='EndedChildHook')]))
    wait(child)
    assert child.exitcode == 0

"""Each fault of a machine, provoked: what a training says, and what is left."""

import errno
import multiprocessing
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver

import pytest
from faulty_training import run_faulty, train_apart
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from ports import free_port

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import TrainingFault
from infomin_plugin.engine.faults.fault_messages import explained

NO_ROOM = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize('work_dir', ['file', 'file/below'])
def test_a_work_dir_that_cannot_be_written_to(tmp_path, work_dir):
    (tmp_path / 'file').write_text('of somebody')
    with pytest.raises(ValueError, match=rf'work_dir \S+{work_dir} cannot be written to: .*--work'):
        run_faulty(tmp_path / work_dir)
    assert (tmp_path / 'file').read_text() == 'of somebody'


def test_a_checkpoint_that_finds_no_room(tmp_path, monkeypatch):
    """The error names the file and what is free; what was written before stays."""
    save = Runner.save_checkpoint

    def saves_two(self, out_dir, filename, *args, **kwargs):
        if filename == 'iter_3.pth':
            raise NO_ROOM
        save(self, out_dir, filename, *args, **kwargs)

    monkeypatch.setattr(Runner, 'save_checkpoint', saves_two)
    with pytest.raises(TrainingFault, match=rf'checkpoint {tmp_path}/iter_3.pth could not be '
                                            r'written: .*No space left.*[\d.]+ of [\d.]+ GB'):
        run_faulty(tmp_path)
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_2.pth')
    assert read_file(tmp_path / 'iter_2.pth')['meta']['iter'] == 2


def test_a_disk_that_is_full_elsewhere_is_named(tmp_path):
    with pytest.raises(TrainingFault, match=r'The disk is full: .*GB are free.*There is no check'):
        with explained(tmp_path):
            raise NO_ROOM
    with pytest.raises(KeyError), explained(tmp_path):
        raise KeyError('another error')


@pytest.mark.parametrize('text', ['', 'iter_', None])
def test_the_last_checkpoint_is_known_without_its_name(tmp_path, text):
    """A worker that is killed ends a training even in the middle of writing that name."""
    for number in (1, 2):
        path = tmp_path / f'iter_{number}.pth'
        path.write_bytes(b'checkpoint')
        os.utime(path, (number, number))
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text)
    with pytest.raises(TrainingFault, match=f'last good checkpoint is {tmp_path}/iter_2.pth: go'):
        with explained(tmp_path):
            raise NO_ROOM


def test_a_fault_in_the_midst_of_another_is_the_one_that_is_explained(tmp_path):
    """torch's handler of a lost worker may raise while its broken pipe is looked at."""
    class BrokenPipe(ConnectionResetError):
        @property
        def __traceback__(self):
            raise RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed.')

    with pytest.raises(TrainingFault, match='A worker of a data loader is gone: .*pid 7'):
        with explained(tmp_path):
            raise BrokenPipe


def test_a_lost_worker_is_explained_outside_of_the_main_thread(tmp_path):
    def train():
        with explained(tmp_path):
            raise RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed.')

    with ThreadPoolExecutor(1) as threads, pytest.raises(TrainingFault, match='worker of a data'):
        threads.submit(train).result()


def test_a_log_that_finds_no_room_ends_nothing(tmp_path, monkeypatch):
    def no_room(*args, **kwargs):
        raise NO_ROOM

    monkeypatch.setattr(Visualizer, 'add_scalars', no_room)
    run_faulty(tmp_path)
    assert (tmp_path / 'iter_8.pth').is_file()
    (log, ) = tmp_path.glob('*/*.log')
    assert log.read_text().count('The log cannot be written') == 1
    assert log.read_text().count('Epoch(train)') == 8


@pytest.fixture(scope='module')
def processes():
    """Where new processes come from: forked from one that has imported what they need."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['faulty_training'])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


@contextmanager
def training(processes, work_dir, *each):
    """Processes that train, with (environment, samples, changes) for each; killed at the end."""
    started = [processes.Process(target=train_apart, args=(work_dir, f'output_{rank}', *arguments))
               for rank, arguments in enumerate(each)]
    try:
        for process in started:
            process.start()
        yield started
    finally:
        for process in started:
            if process.pid is not None:
                process.kill()
                process.join()


def failed(process, work_dir):
    """The last line that a process prints, which ends by an error."""
    process.join(timeout=100)
    output = (work_dir / 'output_0').read_text()
    assert process.exitcode == 1, output[-2000:]
    return output.splitlines()[-1]


def test_a_killed_worker_is_explained(processes, tmp_path):
    samples = dict(length=16, faults={13: 'kill'})
    changes = {'train_dataloader.num_workers': 1}
    with training(processes, tmp_path, ({}, samples, changes)) as (process, ):
        line = failed(process, tmp_path)
    assert re.search('TrainingFault: A worker of a data loader is gone: .*out of memory.*'
                     r'num_workers.*last good checkpoint is \S+/iter_\d.pth', line), line


@pytest.mark.parametrize('fault', ['kill', 'sleep'])
def test_a_process_that_waits_in_vain_says_so_and_ends(processes, tmp_path, fault):
    """The fault is in the third batch of the second process, which has samples 9 and 11 then."""
    timeout, port = 10, free_port()
    changes = dict(launcher='pytorch', env_cfg=dict(dist_cfg=dict(timeout=timeout)))
    with training(processes, tmp_path, *((
            dict(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1',
                 MASTER_PORT=str(port)),
            dict(length=16, faults={9: fault} if rank else {}), changes)
            for rank in range(2))) as (first, _):
        line = failed(first, tmp_path)
    assert re.search(r'TrainingFault: Process 0 of 2 waited in vain for another one: .*'
                     r'env_cfg\.dist_cfg\.timeout', line), line
    assert f'last good checkpoint is {tmp_path}/iter_2.pth' in line
    waited = ((tmp_path / 'output_0').stat().st_mtime - (tmp_path / 'iter_2.pth').stat().st_mtime)
    assert waited < timeout if fault == 'kill' else timeout - 1 < waited < timeout + 20

"""Checkpoints appear whole or not at all, and the last good one is there at any moment."""

import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from mmengine.fileio import LocalBackend
from toy_runs import fork, logged, train_toy, wait

from infomin_plugin.checkpoints import files, read_file
from infomin_plugin.engine.resume import checkpoint_folder


def names(folder):
    """Of the checkpoints in a folder, and of their parts."""
    return sorted(path.name for path in folder.iterdir() if '.pth' in path.name)


@pytest.fixture
def begun(tmp_path):
    """A work dir with one epoch's checkpoint, of which the next replaces the old."""
    train_toy(tmp_path, epochs=1, checkpoint=dict(max_keep_ckpts=1))
    return tmp_path


def go_on(folder, **settings):
    return train_toy(folder, resume=True, checkpoint=dict(max_keep_ckpts=1), **settings)


def test_a_full_disk_leaves_the_last_checkpoint(begun):
    """The system itself refuses to write on, in the middle of the file."""
    before = (begun / 'epoch_1.pth').read_bytes()

    def write_on_a_full_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # logs are shorter than this, a checkpoint is longer
        limit = len(before) // 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            go_on(begun)
        except OSError:
            os._exit(7)

    child = fork(write_on_a_full_disk)
    wait(child)
    assert child.exitcode == 7
    assert names(begun) == ['epoch_1.pth'] and (begun / 'epoch_1.pth').read_bytes() == before
    go_on(begun)
    assert names(begun) == ['epoch_2.pth']


def test_a_kill_within_writing_leaves_the_last_checkpoint(begun, monkeypatch):
    """All is written, nothing synchronised: the file has no name yet. What is left is cleared."""
    before = (begun / 'epoch_1.pth').read_bytes()
    monkeypatch.setattr(files.os, 'fsync', lambda _: os.kill(os.getpid(), signal.SIGKILL))
    child = fork(go_on, begun)
    wait(child)
    monkeypatch.undo()
    assert child.exitcode == -signal.SIGKILL
    part, whole = names(begun)
    assert part.startswith('.epoch_2.pth.') and whole == 'epoch_1.pth'
    assert (begun / whole).read_bytes() == before
    go_on(begun)
    assert names(begun) == ['epoch_2.pth']


def test_a_kill_within_rewriting_leaves_the_old_file(tmp_path, monkeypatch):
    """The same name again, as when a best checkpoint is entered into that of the epoch."""
    path = tmp_path / 'a.pth'
    path.write_bytes(b'old')
    monkeypatch.setattr(files.os, 'replace', lambda *_: os.kill(os.getpid(), signal.SIGKILL))

    def write():
        with files.writing_aside(path) as file:
            file.write(b'new')

    child = fork(write)
    wait(child)
    assert child.exitcode == -signal.SIGKILL and path.read_bytes() == b'old'


def test_file_and_folder_are_synchronised_before_and_after_the_name(tmp_path, monkeypatch):
    path, events = tmp_path / 'a.pth', []

    def fsync(descriptor):
        events.append((os.readlink(f'/proc/self/fd/{descriptor}'), path.exists()))

    monkeypatch.setattr(files.os, 'fsync', fsync)
    with files.writing_aside(path) as file:
        file.write(b'new')
    (first, named_first), (second, named_second) = events
    assert first.startswith(f'{tmp_path}/.a.pth.') and not named_first
    assert second == str(tmp_path) and named_second


def test_old_ones_go_only_when_the_new_one_is_there(begun, monkeypatch):
    removed = []

    def remove(path):
        removed.append((path.name, names(begun)))
        path.unlink()

    monkeypatch.setattr(checkpoint_folder, 'remove_file', remove)
    go_on(begun, epochs=3)
    assert removed == [('epoch_1.pth', ['epoch_1.pth', 'epoch_2.pth']),
                       ('epoch_2.pth', ['epoch_2.pth', 'epoch_3.pth'])]
    read_file(begun / 'epoch_3.pth')


def test_the_best_one_goes_only_when_a_better_one_is_there(tmp_path, monkeypatch):
    removed = []

    def remove(path):
        removed.append((path.name, [name for name in names(tmp_path) if 'best' in name]))
        path.unlink()

    monkeypatch.setattr(checkpoint_folder, 'remove_file', remove)
    train_toy(tmp_path, epochs=4, scores=[1., 2., 0., 3.],
              checkpoint=dict(save_best='score', rule='greater'))
    one, two, four = (f'best_score_epoch_{epoch}.pth' for epoch in (1, 2, 4))
    assert removed == [(one, [one, two]), (two, [two, four])]
    assert names(tmp_path) == [four, *(f'epoch_{epoch}.pth' for epoch in (1, 2, 3, 4))]


def test_by_iterations(tmp_path):
    train_toy(tmp_path, train_cfg=dict(by_epoch=False, max_iters=7),
              checkpoint=dict(by_epoch=False, interval=2, max_keep_ckpts=2))
    assert names(tmp_path) == ['iter_6.pth', 'iter_7.pth']


def test_fewer_are_kept_from_a_resume_on(tmp_path):
    train_toy(tmp_path, epochs=3, checkpoint=dict(max_keep_ckpts=3))
    assert len(names(tmp_path)) == 3
    go_on(tmp_path, epochs=4)
    assert names(tmp_path) == ['epoch_4.pth']


def test_a_moved_run_leaves_the_files_of_its_old_place(tmp_path):
    settings = dict(checkpoint=dict(save_best='score', rule='greater', max_keep_ckpts=1))
    old, new = tmp_path / 'old', tmp_path / 'new'
    train_toy(old, epochs=1, scores=[1.], **settings)
    kept = names(old)
    new.mkdir()
    for name in (*kept, 'last_checkpoint'):
        (new / name).write_bytes((old / name).read_bytes())
    train_toy(new, epochs=2, scores=[1., 2.], resume=True, **settings)
    assert names(old) == kept == ['best_score_epoch_1.pth', 'epoch_1.pth']
    assert names(new) == ['best_score_epoch_2.pth', 'epoch_2.pth']


@pytest.fixture
def removals(monkeypatch, tmp_path):
    """Nothing is removed: what would have been is recorded."""
    recorded = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint_folder, 'remove_file', recorded.append)
    for name in ('remove', 'rmtree'):  # of MMEngine's own
        monkeypatch.setattr(LocalBackend, name, lambda self, path: recorded.append(path))
    return recorded


def test_a_checkpoint_cannot_have_other_files_removed(tmp_path, removals):
    """MMEngine's hook removes what the resumed file names, folders with all that is in them."""
    run, precious = tmp_path / 'run', tmp_path / 'precious'
    settings = dict(checkpoint=dict(save_best='score', rule='greater', max_keep_ckpts=2))
    train_toy(run, epochs=1, scores=[1.], **settings)
    (precious / 'data').mkdir(parents=True)
    for name in ('epoch_7.pth', 'best_score_epoch_7.pth', 'notes.txt'):
        (precious / name).write_text('mine')
        (run / f'my_{name}').write_text('mine')
    (run / 'epoch_8.pth').mkdir()
    (run / 'epoch_9.pth').symlink_to(precious / 'notes.txt')
    hostile = torch.load(run / 'epoch_1.pth')
    hostile['message_hub']['runtime_info'].update(
        best_ckpt=str(precious / 'notes.txt'), last_ckpt=str(precious / 'epoch_7.pth'),
        keep_ckpt_ids=['../precious/epoch_7', f'{precious}/epoch_7', '1.pth/../../precious/data',
                       -1, True, None, 1.0, 8, 9, 1, 2, 3])
    torch.save(hostile, run / 'epoch_1.pth')
    del removals[:]
    train_toy(run, epochs=4, scores=[1., 2., 3., 4.], resume=True, **settings)
    assert {Path(path).relative_to(run).as_posix() for path in removals} == {
        'epoch_1.pth', 'epoch_2.pth', 'best_score_epoch_2.pth', 'best_score_epoch_3.pth'}
    said = logged(run)
    for name in ('epoch_8.pth', 'epoch_9.pth'):
        assert f'{run / name} is not removed: it is no checkpoint of this run' in said
    assert 'names a best one that is not of this run' in said


@pytest.mark.parametrize('path', [
    '../precious.pth', '../epoch_3.pth', 'sub/epoch_3.pth', 'epoch_3.pth/../../epoch_3.pth',
    '/epoch_3.pth', 'epoch_x.pth', 'epoch_3.pth.txt', 'best_.pth', 'epoch_3\n.pth', '', '.',
    'epoch_٣.pth/..'])
def test_a_folder_refuses_what_is_not_its_own(tmp_path, removals, path):
    from mmengine.logging import MMLogger
    run = tmp_path / 'run'
    (run / 'sub').mkdir(parents=True)
    for file in (run / 'epoch_3.pth', run / 'sub/epoch_3.pth', tmp_path / 'epoch_3.pth',
                 tmp_path / 'precious.pth'):
        file.write_text('mine')
    folder = checkpoint_folder.CheckpointFolder(
        str(run), 'epoch_{}.pth', MMLogger.get_instance('refusals'))
    folder.rmtree(os.path.join(run, path))
    folder.clear()
    assert removals == []
    folder.remove(run / 'epoch_3.pth')
    folder.clear(keep=[str(run / 'sub/../epoch_3.pth')])
    assert removals == []
    folder.remove(run / 'epoch_3.pth')
    folder.clear()
    assert removals == [run / 'epoch_3.pth']

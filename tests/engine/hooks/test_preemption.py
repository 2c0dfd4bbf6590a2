"""A signal ends a training well: saved, status 0, everywhere after the same step."""

import os
import signal
import time

import pytest
from ports import free_port
from toy_runs import fork, logged, train_toy, wait

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import PreemptionHook, TrainingFault
from infomin_plugin.engine.hooks import preemption


def told(at, **settings):
    """Settings of a training that gets a signal within a step, counted from 0."""
    return dict(custom_hooks=[dict(type='SignalHook', at=at, **settings)])


def preempted(work_dir, status=0, **settings):
    """Train until the pre-emption; returns the position of the checkpoint."""
    with pytest.raises(SystemExit) as end:
        train_toy(work_dir, **settings)
    assert end.value.code == status
    return position(work_dir)


def position(work_dir):
    assert (work_dir / 'last_checkpoint').read_text() == str(work_dir / 'preempted.pth')
    meta = read_file(work_dir / 'preempted.pth')['meta']
    return meta['epoch'], meta['iter']


@pytest.mark.parametrize('at, expected', [(0, (0, 1)), (5, (1, 6)), (3, (0, 4))])
def test_it_saves_after_the_step_and_ends_with_status_0(tmp_path, at, expected):
    """After the last step of an epoch too, whose end and validation are then still to come."""
    assert preempted(tmp_path, **told(at)) == expected
    saved = read_file(tmp_path / 'preempted.pth')
    assert saved['optimizer']['state'] and saved['message_hub'] and saved['param_schedulers']
    steps = logged(tmp_path).count('Epoch(train) [')
    assert steps == at + 1  # the step itself is done, and logged
    assert f'pre-empted: {tmp_path}/preempted.pth is written; go on with --resume' in logged(
        tmp_path)


def test_the_next_regular_checkpoint_replaces_it(tmp_path):
    preempted(tmp_path, epochs=3, **told(5))
    train_toy(tmp_path, epochs=3, resume=True)
    assert f'Resuming from {tmp_path}/preempted.pth' in logged(tmp_path)
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == [
        f'epoch_{epoch}.pth' for epoch in (1, 2, 3)]
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_3.pth')


def test_accumulated_gradients_are_not_lost(tmp_path):
    """They are in no checkpoint: it waits for the step, here the third and sixth, or the last."""
    accumulate = dict(optimizer=dict(type='SGD', lr=0.01), accumulative_counts=3)
    for at, expected in ((0, (0, 3)), (2, (0, 3)), (3, (1, 6)), (6, (1, 8))):
        assert preempted(tmp_path / str(at), optim_wrapper=accumulate, **told(at)) == expected


def test_each_optimiser_must_have_stepped(tmp_path):
    from mmengine.optim import OptimWrapper, OptimWrapperDict
    from torch import nn, optim
    wrappers = OptimWrapperDict(**{
        name: OptimWrapper(optim.SGD(nn.Linear(1, 1).parameters(), 0.1), accumulative_counts=count)
        for name, count in (('one', 1), ('two', 2))})
    runner = type('Runner', (), dict(optim_wrapper=wrappers))
    found = []
    for _ in range(4):
        for wrapper in wrappers.values():
            wrapper.update_params(next(iter(wrapper.optimizer.param_groups[0]['params'])).sum())
        found.append(preemption._has_stepped(runner))
    assert found == [False, True, False, True]


def test_signals_by_config(tmp_path):
    hooks = [dict(type='PreemptionHook', signals=['SIGUSR1', 'SIGTERM']),
             dict(type='SignalHook', at=1, signals=['SIGUSR1'])]
    assert preempted(tmp_path, custom_hooks=hooks) == (0, 2)


@pytest.mark.parametrize('settings, words', [
    (dict(signals=['TERM']), "there is no signal 'TERM'"),
    (dict(interval=0), 'interval must be positive, got 0')])
def test_bad_settings(settings, words):
    with pytest.raises(ValueError, match=words):
        PreemptionHook(**settings)


def test_the_status_can_tell_it_from_an_end(tmp_path, monkeypatch):
    monkeypatch.setenv('PREEMPTED_STATUS', '75')
    preempted(tmp_path, status=75, **told(0))


def test_handlers_are_put_back_whatever_happens(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    preempted(tmp_path / 'told', **told(0))
    assert signal.getsignal(signal.SIGTERM) is before
    train_toy(tmp_path / 'done', epochs=1)
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(TrainingFault, match='could not be written'):
        train_toy(tmp_path / 'failed', checkpoint=dict(out_dir='/dev/null/folder'))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_repeated_notice_is_one_and_a_later_one_ends_at_once():
    def listen(pause):
        hook = PreemptionHook()
        with hook.listening():
            signal.raise_signal(signal.SIGTERM)
            preemption.SAME = 0.2 if pause else 60
            time.sleep(pause)
            signal.raise_signal(signal.SIGTERM)
            os._exit(5)

    children = [fork(listen, pause) for pause in (0, 0.4)]
    for child in children:
        wait(child)
    assert [child.exitcode for child in children] == [5, -signal.SIGTERM]


def with_workers(work_dir):
    from toy_runs import toy_config
    loader = toy_config(work_dir).train_dataloader | dict(num_workers=2, persistent_workers=True)
    return dict(train_dataloader=loader)


def test_workers_outlive_a_signal_to_all(tmp_path):
    """A scheduler's, or a shell's: one worker that ends would end the training before it saves."""
    child = fork(lambda: train_toy(tmp_path, epochs=100, **with_workers(tmp_path),
                                   **told(40, workers=True)))
    wait(child)
    assert child.exitcode == 0
    assert position(tmp_path) == (10, 41)


def test_workers_end_with_their_parent(tmp_path):
    """Whose signal they obey: multiprocessing sends it at the end, and waits for them."""
    alive = []
    child = fork(lambda: alive.append(train_toy(tmp_path, epochs=1, **with_workers(tmp_path))))
    wait(child)
    assert child.exitcode == 0


def test_all_processes_end_after_the_same_step(tmp_path):
    port = free_port()

    def train(rank, work_dir):
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2',
                          MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
        hooks = [dict(type='PreemptionHook', interval=3),
                 dict(type='SignalHook', at=5, rank=1)]
        train_toy(work_dir, epochs=10, launcher='pytorch', custom_hooks=hooks)

    children = [fork(train, rank, tmp_path) for rank in (0, 1)]
    for child in children:
        wait(child)
    assert [child.exitcode for child in children] == [0, 0]
    assert position(tmp_path) == (2, 6)  # of two steps an epoch; asked after steps 3 and 6

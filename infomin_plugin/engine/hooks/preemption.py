"""A machine that is taken away: save, and end well, so that the job can be queued again."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import torch
from mmengine.dist import all_reduce, barrier, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import Runner

from infomin_plugin.registry import HOOKS

from ..resume.checkpoint_folder import PREEMPTED, write_last

STATUS = 'PREEMPTED_STATUS'  # environment: the exit status, for who must tell it from an end
SAME = 5.0  # seconds in which a repeated signal is the same notice: launchers pass on what all got
# with several GPUs to ask them all makes each wait for the slowest
INTERVAL_GPU = 20


@HOOKS.register_module()
class PreemptionHook(Hook):
    """Write a checkpoint when a signal comes, and end with status 0.

    All processes end after the same iteration, whichever of them was told, and where gradients are
    accumulated, after a step of the optimiser. The checkpoint is ``preempted.pth``,
    ``last_checkpoint`` names it and ``--resume`` finds it; the next regular checkpoint replaces
    it. The same signal again, after five seconds, does what it always does.

    The signals are listened to only in :meth:`listening`, in which the runner trains.

    Args:
        signals (Sequence[str]): Names, such as ``SIGTERM``, and ``SIGUSR1`` for Slurm's
            ``--signal=USR1@120``.
        interval (int, optional): Iterations between two times that several processes ask each
            other. Defaults to 1 on CPUs and 20 on GPUs.

    Raises:
        ValueError: If a signal is unknown or the interval not positive.
    """

    priority = 'LOWEST'  # after everything that belongs to the iteration

    def __init__(self, signals: Sequence[str] = ('SIGTERM', ),
                 interval: int | None = None) -> None:
        unknown = [name for name in signals if name not in signal.Signals.__members__]
        if unknown:
            raise ValueError(f'signals: there is no signal {", ".join(map(repr, unknown))}')
        if interval is not None and interval < 1:
            raise ValueError(f'interval must be positive, got {interval}')
        self.signals = [signal.Signals[name] for name in signals]
        self.interval = interval or (INTERVAL_GPU if torch.cuda.is_available() else 1)
        self._forget()

    def _forget(self) -> None:
        self._since: float | None = None  # when this process was told
        self._agreed = False  # all processes know

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the signals; only a process's main thread can."""
        self._forget()
        self._process = os.getpid()
        heard = self.signals if threading.current_thread() is threading.main_thread() else ()
        self._before = {each: signal.signal(each, self._receive) for each in heard}
        try:
            yield
        finally:
            for each, handler in self._before.items():
                signal.signal(each, handler or signal.SIG_DFL)

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a child that was forked: its parent was told as well
        now = time.monotonic()
        if self._since is None:
            self._since = now
        elif now - self._since > SAME:
            signal.signal(signum, self._before[signum] or signal.SIG_DFL)
            signal.raise_signal(signum)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Save and end, if any process was told and the optimiser has stepped.

        Raises:
            SystemExit: On every process.
        """
        self._agreed = self._agreed or self._ask(runner)
        if self._agreed and _has_stepped(runner):
            self._save(runner)
            runner.visualizer.close()
            barrier()  # nobody leaves while the file is being written
            raise SystemExit(int(os.environ.get(STATUS, 0)))

    def _ask(self, runner: Runner) -> bool:
        """Whether any process was told."""
        if get_world_size() == 1:
            return self._since is not None
        if not self.every_n_train_iters(runner, self.interval):
            return False
        told = torch.tensor(self._since is not None, dtype=torch.int32)
        all_reduce(told, 'max')
        return bool(told)

    def _save(self, runner: Runner) -> None:
        folders = (hook.out_dir for hook in runner.hooks if isinstance(hook, CheckpointHook))
        folder = next((each for each in folders if '://' not in str(each)), runner.work_dir)
        runner.logger.info(f'pre-empted: saving {PREEMPTED} at {runner.iter + 1} iterations')
        runner.save_checkpoint(folder, PREEMPTED, by_epoch=False)
        if is_main_process():
            path = os.path.join(folder, PREEMPTED)
            write_last(runner.work_dir, path)
            runner.logger.info(f'pre-empted: {path} is written; go on with --resume')


def _has_stepped(runner: Runner) -> bool:
    """Whether no gradients wait for an optimiser: they are in no checkpoint."""
    wrapper = runner.optim_wrapper
    wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    return all(each.should_update() for each in wrappers)

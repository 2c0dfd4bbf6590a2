"""What to do about errors whose cause lies outside of this program."""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from traceback import walk_tb

from mmengine.dist import get_rank, get_world_size

from ..resume.checkpoint_folder import find_checkpoints
from .storage import disk_state

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# what gloo and NCCL say where another process has gone or does not answer
_LOST_PEER = ('Connection closed by peer', 'Connection reset by peer', 'Broken pipe', 'Timed out',
              'Socket Timeout', 'NCCL')


class TrainingFault(RuntimeError):
    """The training cannot go on; the message says why, and what to do."""


@contextmanager
def explained(work_dir: str | Path) -> Iterator[None]:
    """Say what to do about errors that are the machine's rather than the program's.

    Args:
        work_dir (str | Path): Of the training.

    Raises:
        TrainingFault: In the place of an error that is known, which is its cause: a worker of a
            data loader that was killed, another process that died or hangs, a full disk. Says
            which checkpoint is the last.
    """
    try:
        yield
    except TrainingFault:
        raise
    except (OSError, EOFError, RuntimeError) as error:
        try:
            fault = _fault(error, work_dir)
        except RuntimeError as late:  # torch's handler of a lost worker, in the midst of it
            error, fault = late, _fault(late, work_dir)
        if fault is None:
            raise
        raise fault from error


def last_checkpoint(work_dir: str | Path) -> str:
    """Say in a sentence which checkpoint to resume from: the newest, which is whole when named.

    A fault may come in the middle of MMEngine's writing of ``last_checkpoint``, so that its text
    is no more than a hint here, as it is for ``--resume``.
    """
    try:
        found = find_checkpoints(work_dir)
    except OSError as error:
        return f'The checkpoints in {work_dir} could not be listed ({error}).'
    if not found:
        return f'There is no checkpoint in {work_dir} yet.'
    return f'The last good checkpoint is {found[0]}: go on from it with --resume.'


def _fault(error: Exception, work_dir: str | Path) -> TrainingFault | None:
    """What is known about an error; None if it is another one."""
    if _lost_worker(error) and current_thread() is main_thread():
        # torch's handler would raise anew at the end of every child, of git for one, and cut the
        # message off; a loader of a later training still finds a lost worker, in seconds
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    advice = _advice(error, work_dir)
    return TrainingFault(f'{advice} {last_checkpoint(work_dir)}') if advice else None


def _lost_worker(error: Exception) -> bool:
    """Tell whether torch says that a worker has gone, or a batch breaks off on its way from one."""
    if isinstance(error, ConnectionError | EOFError):
        return any(frame.f_globals.get('__name__') == 'torch.utils.data.dataloader'
                   for frame, _ in walk_tb(error.__traceback__))
    return 'DataLoader worker' in str(error)


def _advice(error: Exception, work_dir: str | Path) -> str | None:
    """Name the cause and the remedy in sentences; None if the error is another one."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f'The disk is full: {error}; {disk_state(work_dir)}. Make room.'
    if _lost_worker(error):
        return (f'A worker of a data loader is gone: {text.rstrip(". ")}. One that is killed has '
                'usually run out of memory (dmesg says so): set fewer '
                'train_dataloader.num_workers, a smaller batch_size or prefetch_factor. A bus '
                'error means that /dev/shm is full: make it larger (docker run --shm-size=8g), or '
                'num_workers=0.')
    if get_world_size() > 1 and any(words in text for words in _LOST_PEER):
        return (f'Process {get_rank()} of {get_world_size()} waited in vain for another one: '
                f'{text}. Another process has died, then its own error is the first in its log, '
                'or out of memory the last line of dmesg; or it hangs or is slow for longer than '
                'env_cfg.dist_cfg.timeout (seconds, 1800 unless set): a full or slow disk, or a '
                'data set of another length there.')
    return None

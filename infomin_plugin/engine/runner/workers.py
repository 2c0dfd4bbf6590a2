"""Child processes while their parent saves its work: data loaders' workers, and any that is forked.

Schedulers and shells send SIGTERM to all processes of a job. A child that ends then ends the
training, before its checkpoint is written; a child that has its parent's handler, which takes note
only, outlives its parent's request to end, and who waits for it waits forever.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

from torch.utils.data import DataLoader

_blocks: list[None] = []  # of shielded_forks(), nested
_forking = threading.local()  # while a thread forks: its signal mask, and the process it is in
_obedient: int | None = None  # the process that obeys its parent only, copied by a fork


def shield(loader: DataLoader) -> DataLoader:
    """Have a loader's workers obey SIGTERM from their parent only, however they are started.

    Args:
        loader (DataLoader): Changed in place, before it has workers.

    Returns:
        DataLoader: The same.
    """
    given = loader.worker_init_fn
    if loader.num_workers and not (isinstance(given, partial) and given.func is _begin):
        loader.worker_init_fn = partial(_begin, given)
    return loader


@contextmanager
def shielded_forks() -> Iterator[None]:
    """Have all processes that are forked in it obey SIGTERM from their parent only.

    Such as the pool of mmdet's VOC evaluation. Programs that are started are left alone.
    """
    _register()
    _blocks.append(None)
    try:
        yield
    finally:
        _blocks.pop()


@lru_cache(maxsize=1)
def _register() -> None:
    """Once a process: there is no way back."""
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)


def _before_fork() -> None:
    if _blocks:  # a signal to the child then waits until the child can tell whose it is
        _forking.parent = os.getpid()  # the child may find it dead
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork() -> None:
    if _blocks:
        signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _in_child() -> None:
    if _blocks:
        _obey_only(_forking.parent)


def _begin(given: Callable[[int], None] | None, worker: int) -> None:
    _obey_only(os.getppid())
    if given is not None:
        given(worker)


def _obey_only(parent: int) -> None:
    # In place of a handler. A signal that is waited for says who sent it, and is seen while the
    # main thread works.
    global _obedient
    if _obedient != os.getpid():
        _obedient = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, args=(parent, ), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """End as soon as the parent says so, or after its death anybody."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent and os.getppid() == parent:
        pass
    os._exit(0)

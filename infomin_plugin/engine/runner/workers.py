"""Worker processes of data loaders, while their parent saves its work."""

import os
import signal
import threading
from collections.abc import Callable
from functools import partial

from torch.utils.data import DataLoader


def shield(loader: DataLoader) -> DataLoader:
    """Have a loader's workers obey SIGTERM from their parent only.

    Schedulers and shells send it to all processes of a job. A worker that ends then ends the
    training, before its checkpoint is written.

    Args:
        loader (DataLoader): Changed in place, before it has workers.

    Returns:
        DataLoader: The same.
    """
    given = loader.worker_init_fn
    if loader.num_workers and not (isinstance(given, partial) and given.func is _begin):
        loader.worker_init_fn = partial(_begin, given)
    return loader


def _begin(given: Callable[[int], None] | None, worker: int) -> None:
    # In place of torch's handler. A signal that is waited for says who sent it, and is seen while
    # the main thread works.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_with_parent, args=(os.getppid(), ), daemon=True).start()
    if given is not None:
        given(worker)


def _end_with_parent(parent: int) -> None:
    """End well as soon as the parent says so; the death of the parent torch sees itself."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)

"""Worker processes of data loaders, while their parent saves its work."""

import signal
from collections.abc import Callable
from functools import partial
from types import FrameType

from torch.utils.data import DataLoader


def shield(loader: DataLoader) -> DataLoader:
    """Have a loader's workers outlive the first SIGTERM.

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
    # torch has just set its own handler
    signal.signal(signal.SIGTERM, _ignore_once)
    if given is not None:
        given(worker)


def _ignore_once(signum: int, frame: FrameType | None) -> None:
    """Ignore it; the next one, by which torch and multiprocessing end a stuck worker, ends this."""
    signal.signal(signum, signal.SIG_DFL)

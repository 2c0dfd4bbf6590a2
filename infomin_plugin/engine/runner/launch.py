"""Processes that work together."""

from datetime import timedelta

import torch
from mmengine.dist import init_dist

# torch's own, half an hour
_TIMEOUT = 1800


def start_without_gpu(launcher: str, timeout: float | None = None) -> None:
    """Start torch's process group with gloo where MMEngine, which wants a GPU, could not.

    Args:
        launcher (str): Of the command line. Only ``'pytorch'`` is started here, and not twice.
        timeout (float, optional): Seconds after which a process that waits for others gives up.
            Defaults to half an hour.
    """
    if (launcher == 'pytorch' and not torch.cuda.is_available()
            and not torch.distributed.is_initialized()):
        torch.distributed.init_process_group(
            'gloo', timeout=timedelta(seconds=timeout or _TIMEOUT))


def start(launcher: str) -> None:
    """Start the process group of a tool that has no runner; nothing for ``'none'``."""
    start_without_gpu(launcher)
    if launcher != 'none' and not torch.distributed.is_initialized():
        init_dist(launcher)

"""Config files, for tools that run several trainings at once."""

import os
from threading import Lock

from mmengine.config import Config

# MMEngine imports the file for a moment, under settings of the whole interpreter: two threads that
# read at once can fail each other
_READING = Lock()


def read_config(path: str | os.PathLike) -> Config:
    """``Config.fromfile``, in one thread at a time.

    Args:
        path (str | PathLike): Config file; it is executed.

    Returns:
        Config: As MMEngine reads it.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with _READING:
        return Config.fromfile(path)

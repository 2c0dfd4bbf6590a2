"""Trainings that cannot begin: for want of data, or by their settings."""

from collections.abc import Iterator
from contextlib import contextmanager


class SetupError(ValueError):
    """No training, or test, can begin; the message says why, and what to do."""


class MissingDataError(SetupError, FileNotFoundError):
    """A file or folder of a data set is not there."""


@contextmanager
def setting_up() -> Iterator[None]:
    """Tell errors in what a config names from those of a training, which go on as they are.

    For the building of data sets, loops and optimisers, which MMEngine leaves until it trains.

    Raises:
        SetupError: In the place of an OSError or ValueError, which is its cause.
    """
    try:
        yield
    except SetupError:
        raise
    except FileNotFoundError as error:
        raise MissingDataError(str(error)) from error
    except (OSError, ValueError) as error:
        raise SetupError(str(error)) from error

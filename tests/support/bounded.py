"""Runs a function in a forked child that may neither take much memory nor much time."""

import os
import pickle
import resource
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

PATIENCE = 120  # seconds, of a machine that is busy


class TooLong(BaseException):
    """No Exception, so that nothing under test catches it."""


@contextmanager
def at_most(seconds: float):
    """Raise :class:`TooLong` in what takes more CPU; in the main thread only."""
    def stop(*_):
        raise TooLong(f'took more than {seconds} s')

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def run_bounded(function: Callable[[], Any], megabytes: int = 256,
                seconds: int = 10) -> tuple[str, str]:
    """Call a function in a child with so much more memory than it has, and so many seconds of CPU.

    Returns:
        tuple: ``('returned', '')``, or the name of what it raised and its message, or ``'signal'``
        and the number of the signal that ended it: 24 for too long, 14 for one that only waits.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with open('/proc/self/statm') as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        limit = size + megabytes * (1 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        used = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, ) * 2)
        signal.alarm(PATIENCE)
        try:
            function()
            said = ('returned', '')
        except BaseException as error:
            said = (type(error).__name__, str(error))
        with open(writing, 'wb') as file:
            file.write(pickle.dumps(said))
        os._exit(0)
    os.close(writing)
    with open(reading, 'rb') as file:
        data = file.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return 'signal', str(os.WTERMSIG(status))
    return pickle.loads(data)

"""Long jobs as stages: each is a command that is run once and remembered."""

import fcntl
import json
import os
import shlex
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_LAST_LINES = 5
# a training that is pre-empted ends with this status: it is not done
_PREEMPTED = dict(PREEMPTED_STATUS='75')


class StageError(RuntimeError):
    """A stage failed, or was begun with other settings; the message names it."""


class Stages:
    """Runs Python scripts, each in a process of its own, and not again once they are done.

    Beside the results of a stage ``NAME`` lie ``NAME.json``, the record, and ``NAME.log``, all that
    it printed. The log is locked while the stage is worked on: threads and processes, of other
    nodes too, may run stages of different names at once, and are refused one that is being run.

    Args:
        folder (Path): Where records and logs are kept; made if it is missing.
        root (Path): What scripts are named relative to, and where they are run.
        threads (int, optional): Computing threads that a stage may use, unless the environment sets
            ``OMP_NUM_THREADS``. None sets nothing.
        shared (bool): Whether other processes may run stages of this folder at the same time. Not
            where a table of all of them is written into the folder.

    Raises:
        StageError: If another process has this folder and it is not shared.
    """

    def __init__(self, folder: Path, root: Path, threads: int | None = 1,
                 shared: bool = False) -> None:
        self.folder = folder
        self.root = root
        self.threads = threads
        folder.mkdir(parents=True, exist_ok=True)
        self._locks = []
        if not shared:
            self._locks.append((folder / '.lock').open('w'))
            _lock(self._locks[0], f'in {folder}')

    def run(self, name: str, command: Sequence[object], settings: str = '',
            processes: int = 1) -> float:
        """Run a script, unless it is done.

        Args:
            name (str): Of the stage; may have slashes.
            command (Sequence[object]): Script and arguments. ``python``, and programs that are
                installed beside it, are for it those that run this process.
            settings (str): What the result depends on beside the command, such as the text of a
                config.
            processes (int): Among which the script divides its work, and so the threads.

        Returns:
            float: Seconds that it took, over all attempts that were not killed.

        Raises:
            StageError: If it fails, was begun with another command or other settings, or is run by
                another process.
        """
        asked = dict(command=[str(word) for word in command], settings=settings)
        known = self._known(name, asked)
        if not known['done']:
            log = self.folder / f'{name}.log'
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open('a') as out:
                _lock(out, f'on {name} in {self.folder}')
                known = self._known(name, asked)  # another process may have just done it
                if not known['done']:
                    return self._work(name, asked, known['seconds'], processes, out)
        print(f'== {name}: done before, in {known["seconds"]:.0f} s', flush=True)
        return known['seconds']

    def _known(self, name: str, asked: dict) -> dict:
        """Read the record of a stage, or make that of one not begun."""
        record = self._record(name)
        if not record.is_file():
            return asked | dict(done=False, seconds=0.0)
        known = json.loads(record.read_text())
        if {key: known[key] for key in asked} != asked:
            raise StageError(f'{name} was begun with {_difference(known, asked)}: take another '
                             f'work dir, or delete {record} and what the stage wrote')
        return known

    def _work(self, name: str, asked: dict, spent: float, processes: int,
              out: IO[str]) -> float:
        """Run a stage into its locked log.

        The log is what the script and all that it starts print to. So the system lets go of the
        lock when this process and all of those have ended, however they do.
        """
        words, record = asked['command'], self._record(name)
        _write(record, asked | dict(done=False, seconds=spent))
        print(f'== {name}: python {shlex.join(words)}', flush=True)
        start = time.monotonic()
        code = subprocess.run(
            [sys.executable, *words], cwd=self.root, stdout=out, stderr=subprocess.STDOUT,
            env=self._environment(processes),
            pass_fds=[lock.fileno() for lock in self._locks]).returncode
        seconds = round(spent + time.monotonic() - start, 2)
        _write(record, asked | dict(done=code == 0, seconds=seconds))
        if code:
            lines = Path(out.name).read_text(errors='replace').splitlines()[-_LAST_LINES:]
            raise StageError(f'{name} failed with exit code {code}, see {out.name}:\n  '
                             + '\n  '.join(lines))
        print(f'== {name}: done in {seconds:.0f} s', flush=True)
        return seconds

    def _environment(self, processes: int) -> dict[str, str]:
        programs = Path(sys.executable).parent
        path = f'{programs}{os.pathsep}{os.environ.get("PATH", os.defpath)}'
        threads = {} if self.threads is None else dict(
            OMP_NUM_THREADS=str(max(1, self.threads // processes)))
        return threads | os.environ | dict(PATH=path) | _PREEMPTED

    def _record(self, name: str) -> Path:
        return self.folder / f'{name}.json'


def _lock(file: IO[str], what: str) -> None:
    """Lock a file until every process that was handed it has ended.

    Raises:
        StageError: If it is locked already.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError(f'another process works {what}: wait for it, end it, or take another '
                         'work dir') from None
    except OSError as error:
        # the place has to be the same for all, so that Python shows it once
        warnings.warn(f'the work dir is on a file system without locks ({error.strerror}): see to '
                      'it that no stage is run twice at once', stacklevel=1)


def _difference(known: dict, asked: dict) -> str:
    """Say in a few words what differs between two records."""
    if known['command'] != asked['command']:
        return f'another command (python {shlex.join(known["command"])})'
    lines = set(known['settings'].splitlines()) - set(asked['settings'].splitlines())
    return f'other settings ({"; ".join(sorted(line.strip() for line in lines)[:3])} …)'


def _write(record: Path, content: dict) -> None:
    """Replace a record all at once, so that a kill leaves the old one or the new one."""
    aside = record.with_suffix('.json.new')
    aside.write_text(json.dumps(content, indent=1))
    os.replace(aside, record)

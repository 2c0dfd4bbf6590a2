"""Long jobs as stages: each is a command that is run once and remembered."""

import fcntl
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_LAST_LINES = 5
# a training that is pre-empted ends with this status: it is not done
_PREEMPTED = dict(PREEMPTED_STATUS='75')


class StageError(RuntimeError):
    """A stage failed, or was begun with other settings; the message names it."""


class Stages:
    """Runs Python scripts, each in a process of its own, and not again once they are done.

    Beside the results of a stage ``NAME`` lie ``NAME.json``, the record, and ``NAME.log``, all that
    it printed. Several threads may run stages of different names at once; a second process is
    refused, since both would run the same stage into the same files.

    Args:
        folder (Path): Where records and logs are kept; made if it is missing.
        root (Path): What scripts are named relative to, and where they are run.
        threads (int): Computing threads of a stage, unless the environment sets
            ``OMP_NUM_THREADS``.

    Raises:
        StageError: If another process has stages in this folder.
    """

    def __init__(self, folder: Path, root: Path, threads: int = 1) -> None:
        self.folder = folder
        self.root = root
        self.threads = threads
        folder.mkdir(parents=True, exist_ok=True)
        # the system lets go of it when this process and the stage that it runs have ended, however
        self._lock = (folder / '.lock').open('w')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageError(f'another process works in {folder}: wait for it, end it, or take '
                             'another work dir') from None

    def run(self, name: str, command: Sequence[object], settings: str = '') -> float:
        """Run a script, unless it is done.

        Args:
            name (str): Of the stage; may have slashes.
            command (Sequence[object]): Script and arguments.
            settings (str): What the result depends on beside the command, such as the text of a
                config.

        Returns:
            float: Seconds that it took, over all attempts that were not killed.

        Raises:
            StageError: If it fails, or was begun with another command or other settings.
        """
        words = [str(word) for word in command]
        record, log = (self.folder / f'{name}.{ending}' for ending in ('json', 'log'))
        asked = dict(command=words, settings=settings)
        spent = 0.0
        if record.is_file():
            known = json.loads(record.read_text())
            if {key: known[key] for key in asked} != asked:
                raise StageError(f'{name} was begun with {_difference(known, asked)}: take another '
                                 f'work dir, or delete {record} and what the stage wrote')
            if known['done']:
                print(f'== {name}: done before, in {known["seconds"]:.0f} s', flush=True)
                return known['seconds']
            spent = known['seconds']
        record.parent.mkdir(parents=True, exist_ok=True)
        _write(record, asked | dict(done=False, seconds=spent))
        print(f'== {name}: python {shlex.join(words)}', flush=True)
        start = time.monotonic()
        with log.open('a') as out:
            code = subprocess.run(
                [sys.executable, *words], cwd=self.root, stdout=out, stderr=subprocess.STDOUT,
                env=dict(OMP_NUM_THREADS=str(self.threads)) | os.environ | _PREEMPTED,
                pass_fds=[self._lock.fileno()]).returncode
        seconds = round(spent + time.monotonic() - start, 2)
        _write(record, asked | dict(done=code == 0, seconds=seconds))
        if code:
            lines = log.read_text(errors='replace').splitlines()[-_LAST_LINES:]
            raise StageError(f'{name} failed with exit code {code}, see {log}:\n  '
                             + '\n  '.join(lines))
        print(f'== {name}: done in {seconds:.0f} s', flush=True)
        return seconds


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

"""Kill trainings and sweeps at random moments, start them again, and let them end.

A program of its own, see :class:`Killer`: it imports everything once and forks a process for each
start, which would take seconds otherwise.
"""

import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import numpy as np
from config_runs import train_config
from mmengine.config import config
from mmengine.hooks import Hook

from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.engine.chains import stages
from infomin_plugin.registry import RUNNERS

ROOT = Path(__file__).parents[2]
# what a training imports late
LATE = ('mmdet.datasets', 'mmdet.engine', 'mmdet.evaluation', 'mmdet.models', 'mmdet.visualization',
        'mmselfsup.datasets', 'mmselfsup.models', 'infomin_plugin.datasets',
        'infomin_plugin.models', 'matplotlib.pyplot', 'sklearn.linear_model',
        'torch.utils.tensorboard')


class Killer:
    """The program, to be used by tests as a context: does one job after the other.

    A job is a call of :func:`train` or :func:`sweep`, by their arguments.
    """

    def __enter__(self) -> 'Killer':
        self.process = subprocess.Popen(
            [sys.executable, __file__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)})
        return self

    def __exit__(self, *error) -> None:
        self.process.stdin.close()  # which ends it
        self.process.wait()

    def __call__(self, **arguments) -> list:
        print(json.dumps(arguments), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, list), answer
        return answer


# where a forked process, and those that it forks, write a byte when something begins
beats: int | None = None


class Beat(Hook):
    """Says that a step begins."""

    priority = 'LOWEST'

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        os.write(beats, b'.')


@RUNNERS.register_module()
class BeatingRunner(InfoMinRunner):
    """Says when a step begins."""

    def train(self):
        self.register_hook(Beat())
        return super().train()


class Piece:
    """A process that runs a function, in a process group of its own.

    What it prints goes to the end of ``log``.
    """

    def __init__(self, function: Callable[[], object], log: Path) -> None:
        global beats
        self.log = log
        self.began = time.monotonic()
        self.heard: list[float] = []
        self.pipe, writing = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            beats = writing
            os.setsid()
            leave(function, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        os.close(writing)

    def hear(self) -> bool:
        """Wait for the next beat; whether there was one before the end."""
        heard = bool(os.read(self.pipe, 1))
        if heard:
            self.heard.append(time.monotonic())
        return heard

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        assert os.WIFSIGNALED(status), 'it had ended before it was killed'

    def end(self) -> None:
        while self.hear():
            pass
        os.close(self.pipe)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        assert code == 0, f'exit code {code}:\n{self.log.read_text()[-3000:]}'


def leave(function: Callable[[], object], out: int) -> NoReturn:
    """End a forked process with a function, printing to a file."""
    code = 1
    try:
        os.dup2(out, 1), os.dup2(out, 2)
        function()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)


def kill_and_resume(start: Callable[[str], Piece], seed: int, kills: int, most: int) -> list[int]:
    """Run ``start('whole')`` undisturbed, and ``start('pieces')`` with so many kills.

    A process is killed while it starts, or somewhere after up to ``most`` beats: while it loads,
    computes or saves. Returns the beats before each kill.
    """
    generator = np.random.default_rng(seed)
    whole = start('whole')
    whole.end()
    first = whole.heard[0] - whole.began
    between = (whole.heard[-1] - whole.heard[0]) / (len(whole.heard) - 1)
    counts = []
    for _ in range(kills):
        count = int(generator.integers(most + 1))
        piece = start('pieces')
        for _ in range(count):
            assert piece.hear(), 'it ended before it was killed'
        # up to the next beat: if this run is the faster one, it must not get to its end
        select.select([piece.pipe], [], [], generator.uniform(0, between if count else first))
        piece.kill()
        counts.append(count)
    start('pieces').end()
    return counts


def train(config_file: str, options: list[str], work_dir: str, **moments) -> list[int]:
    """Kill a training, whose beats are its steps."""
    def start(name: str) -> Piece:
        words = [*options, 'runner_type=infomin_plugin.BeatingRunner']
        return Piece(lambda: train_config(config_file, Path(work_dir) / name, words, resume=True),
                     Path(work_dir) / 'log')

    return kill_and_resume(start, **moments)


def sweep(command: list[str], work_dir: str, **moments) -> list[int]:
    """Kill a tool that runs stages, whose beats are its stages and their steps.

    ``{folder}`` in its arguments becomes the work dir.
    """
    def start(name: str) -> Piece:
        words = [word.format(folder=Path(work_dir) / name) for word in command]
        return Piece(lambda: run_script(words), Path(work_dir) / 'log')

    return kill_and_resume(start, **moments)


def run_script(words: list[str]) -> None:
    """Do what ``python WORDS`` does, in this process; stages are forked instead of started."""
    os.chdir(ROOT)
    sys.argv = words
    stages.subprocess = SimpleNamespace(run=run_stage, STDOUT=None)
    runpy.run_path(words[0], run_name='__main__')


def run_stage(command: list[str], stdout, **kwargs) -> SimpleNamespace:
    os.write(beats, b'.')
    if (pid := os.fork()) == 0:
        leave(lambda: run_script(command[1:]), stdout.fileno())
    return SimpleNamespace(returncode=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def main() -> None:
    for name in LATE:
        importlib.import_module(name)
    # a tool's config is laid out for seconds at each checkpoint; see config_runs.unformatted
    config.FormatCode = lambda text, **options: (text, True)
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            answer = (sweep if 'command' in arguments else train)(**arguments)
        except Exception:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()

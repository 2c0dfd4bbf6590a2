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

import numpy as np
from config_runs import train_config
from mmengine.hooks import Hook

from infomin_plugin.engine import InfoMinRunner, stages
from infomin_plugin.registry import RUNNERS

ROOT = Path(__file__).parents[2]
# what a training imports late
LATE = ('mmdet.datasets', 'mmdet.engine', 'mmdet.evaluation', 'mmdet.models', 'mmdet.visualization',
        'mmselfsup.datasets', 'mmselfsup.models', 'infomin_plugin.datasets',
        'infomin_plugin.models', 'torch.utils.tensorboard')


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


@RUNNERS.register_module()
class WholeFilesRunner(InfoMinRunner):
    """Writes a checkpoint aside and renames it."""

    def save_checkpoint(self, out_dir, filename, *args, **kwargs) -> None:
        super().save_checkpoint(out_dir, f'.{filename}', *args, **kwargs)
        os.replace(Path(out_dir) / f'.{filename}', Path(out_dir) / filename)


class Beat(Hook):
    """Writes a byte when a step begins."""

    priority = 'LOWEST'

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        os.write(self.pipe, b'.')


def fork(function: Callable[[], object], log: Path) -> int:
    """Run a function in a process group of its own; what it prints goes to the end of a file."""
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
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


def kill(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), 'it had ended before'


def end(pid: int, log: Path) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, f'exit code {code}:\n{log.read_text()[-3000:]}'


def train(config: str, options: list[str], work_dir: str, seed: int, kills: int,
          most_steps: int) -> list:
    """Train to ``whole`` undisturbed, and to ``pieces`` with so many kills.

    A process is killed during its start, or up to ``most_steps`` steps, each somewhere within a
    step: while it loads, computes or saves. Returns the steps begun at each kill.
    """
    generator = np.random.default_rng(seed)
    whole, pieces = Path(work_dir) / 'whole', Path(work_dir) / 'pieces'
    log = Path(work_dir) / 'log'

    def start(folder: Path) -> tuple[int, int]:
        last = max((int(path.stem[5:]) for path in folder.glob('iter_*.pth')), default=None)
        words = [*options, 'runner_type=infomin_plugin.WholeFilesRunner']
        if last is not None:
            words.append(f'load_from={folder / f"iter_{last}.pth"}')
        reading, writing = os.pipe()
        pid = fork(lambda: train_config(config, folder, words, resume=last is not None,
                                        hooks=[Beat(writing)]), log)
        os.close(writing)
        return pid, reading

    began = time.monotonic()
    pid, beats = start(whole)
    times = []
    while os.read(beats, 1):
        times.append(time.monotonic())
    end(pid, log)
    start_time, step_time = times[0] - began, (times[-1] - times[0]) / (len(times) - 1)
    killed = []
    for _ in range(kills):
        steps = int(generator.integers(most_steps + 1))
        pid, beats = start(pieces)
        for _ in range(steps):
            assert os.read(beats, 1), 'it ended before it was killed'
        time.sleep(generator.uniform(0, step_time if steps else start_time))
        kill(pid)
        killed.append(steps + len(os.read(beats, 99)) if select.select([beats], [], [], 0)[0]
                      else steps)
        os.close(beats)
    pid, _ = start(pieces)
    end(pid, log)
    return killed


def sweep(command: list[str], work_dir: str, seed: int, kills: int) -> list:
    """Run a tool that runs stages, undisturbed and with so many kills.

    ``{folder}`` in its arguments becomes the work dir of each. Returns the seconds to each kill.
    """
    generator = np.random.default_rng(seed)
    log = Path(work_dir) / 'log'

    def start(name: str) -> int:
        words = [word.format(folder=Path(work_dir) / name) for word in command]
        return fork(lambda: run_script(words), log)

    began = time.monotonic()
    end(start('whole'), log)
    taken = time.monotonic() - began
    killed = []
    for _ in range(kills):
        pid = start('pieces')
        # all together less than it takes: it cannot end before
        time.sleep(generator.uniform(0, taken / kills))
        kill(pid)
        killed.append(stage_of(Path(work_dir) / 'pieces'))
    end(start('pieces'), log)
    return killed


def stage_of(folder: Path) -> list[str]:
    """Names of the stages that were begun and are not done."""
    return [str(path.relative_to(folder).with_suffix('')) for path in sorted(folder.rglob('*.json'))
            if not json.loads(path.read_text() or '{}').get('done', True)]


def run_script(words: list[str]) -> None:
    """Do what ``python WORDS`` does, in this process; stages are forked instead of started."""
    os.chdir(ROOT)
    sys.argv = words
    stages.subprocess = SimpleNamespace(run=run_stage, STDOUT=None)
    runpy.run_path(words[0], run_name='__main__')


def run_stage(command: list[str], stdout, **kwargs) -> SimpleNamespace:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.dup2(stdout.fileno(), 1), os.dup2(stdout.fileno(), 2)
            run_script(command[1:])
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    return SimpleNamespace(returncode=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def main() -> None:
    for name in LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            answer = (sweep if 'command' in arguments else train)(**arguments)
        except Exception:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()

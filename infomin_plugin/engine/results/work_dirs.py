"""Finds what MMEngine wrote below a folder: trainings, tests of checkpoints, read-outs."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .dumped_configs import ConfigTextError, read_config
from .scalars import read_scalars

LOG_HEAD = 20_000  # characters; the environment is in the first lines
VAL_INTERVAL, LOG_INTERVAL = 1000, 10  # iterations, where a config does not say: MMEngine's


@dataclass(frozen=True)
class Start:
    """One start of a command in a work directory: its folder is named by the time.

    Attributes:
        folder (Path): ``WORK_DIR/TIMESTAMP``.
        config (dict): As it was dumped for this start.
        lines (list[dict]): What it logged, in order.
        tested (dict | None): Scores of a finished ``tools/test.py``.
    """
    folder: Path
    config: dict[str, Any] = field(repr=False)
    lines: list[dict[str, Any]] = field(repr=False)
    tested: dict[str, Any] | None

    @property
    def seed(self) -> int | None:
        """The seed that was used: as the config says, else as the log says it was drawn."""
        randomness = self.config.get('randomness')
        given = randomness.get('seed') if isinstance(randomness, dict) else None
        return self._logged('seed') if given is None else given

    @property
    def whole_batch(self) -> int | None:
        """Images a step of all processes; None if the log does not say how many these were."""
        loader = self.config.get('train_dataloader')
        batch = loader.get('batch_size') if isinstance(loader, dict) else None
        processes = self._logged('GPU number')  # so MMEngine calls it, on CPUs too
        return batch * processes if isinstance(batch, int) and processes else None

    def _logged(self, name: str) -> int | None:
        """A number of the environment, which MMEngine writes at the head of the log."""
        log = self.folder / f'{self.folder.name}.log'
        if not log.is_file():
            return None
        with log.open(encoding='utf-8', errors='replace') as file:
            found = re.search(rf'^\s+{name}: (\d{{1,18}})$', file.read(LOG_HEAD), re.MULTILINE)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class WorkDir:
    """A work directory of MMEngine.

    Attributes:
        path (Path): Its folder.
        training (tuple[Start]): Starts of its last training, the resumed ones after the first.
        tests (tuple[Start]): Starts of tests, finished or not.
        replaced (tuple[Start]): Starts of trainings before the last, whose checkpoints it wrote
            over.
    """
    path: Path
    training: tuple[Start, ...]
    tests: tuple[Start, ...]
    replaced: tuple[Start, ...]

    def config_name(self, config: dict[str, Any]) -> str:
        """The name of the config file that a start was given, as far as it is left."""
        files = sorted(self.path.glob('*.py'))
        if len(files) > 1:
            files = [file for file in files if _same_config(file, config)]
        return files[0].stem if len(files) == 1 else '?'


def find_work_dirs(roots: Iterable[Path]) -> tuple[list[WorkDir], list[tuple[Path, str]]]:
    """Find all work directories at and below some folders; links are not followed.

    Args:
        roots (Iterable[Path]): Folders, one may lie in another.

    Returns:
        tuple: The work directories by path, and files that cannot be read, each with the reason.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    starts: dict[Path, list[Start]] = {}
    unreadable = []
    for config in find_files(roots, 'vis_data/config.py'):
        folder = config.parent.parent
        try:
            start = Start(folder, read_config(config), _read_lines(folder), _read_test(folder))
        except (ConfigTextError, OSError) as error:
            unreadable.append((config, str(error)))
            continue
        starts.setdefault(folder.parent, []).append(start)
    return [_work_dir(path, found) for path, found in starts.items()], unreadable


def find_files(roots: Iterable[Path], pattern: str) -> list[Path]:
    """All files of a name below some folders, each once, by path.

    Args:
        roots (Iterable[Path]): Folders.
        pattern (str): The end of the path.

    Returns:
        list[Path]: Absolute paths.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    found = set()
    for root in roots:
        if not root.is_dir():
            raise FileNotFoundError(f'there is no folder {root}')
        found.update(file for file in root.resolve().rglob(pattern) if file.is_file())
    return sorted(found)


def validations(training: Iterable[Start]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Steps and scores of a training's validations, over all of its starts.

    Args:
        training (Iterable[Start]): Starts of one training.

    Yields:
        tuple[int, dict]: Epochs, or iterations of a training that counts them, and the line.
    """
    logged = 0  # iteration of the last loss, in any start
    for start in training:
        iterations = 'max_iters' in (start.config.get('train_cfg') or {})
        before, has_trained = 0, False
        for line in start.lines:
            if 'loss' in line:
                logged, has_trained = line.get('iter', logged), True
            elif any('/' in name for name in line):  # 'coco/bbox_mAP': scores of a metric
                step = line.get('step', 0)
                if iterations and not step:
                    begins = not (has_trained or before)
                    step = before = _iteration(start.config, logged, before, begins)
                yield step, line


def _iteration(config: dict[str, Any], logged: int, before: int, begins: bool) -> int:
    """At which iteration a validation was that the log says was at 0.

    MMEngine's ``LoggerHook`` says so, unless :class:`.TolerantLoggerHook` takes its place. It is at
    a multiple of the interval or at the end, the first one from the last logged loss on. But a
    resumed start that begins with a validation does so at a checkpoint, the last that the start
    before may have reached without logging another loss.
    """
    length = config['train_cfg']
    total, interval = length['max_iters'], length.get('val_interval') or VAL_INTERVAL
    if begins and logged:
        logger = (config.get('default_hooks') or {}).get('logger') or {}
        reached = logged + logger.get('interval', LOG_INTERVAL) - 1
        return total if reached >= total else max(reached // interval, 1) * interval
    return min(max(-(-logged // interval) * interval, before + interval), total)


def _work_dir(path: Path, starts: list[Start]) -> WorkDir:
    training, tests, replaced = [], [], []
    for start in starts:
        if start.tested is not None or (start.config.get('load_from') and not start.lines):
            tests.append(start)
            continue
        if not start.config.get('resume'):
            replaced += training
            training = []
        training.append(start)
    return WorkDir(path, tuple(training), tuple(tests), tuple(replaced))


def _read_lines(folder: Path) -> list[dict[str, Any]]:
    log = folder / 'vis_data' / 'scalars.json'
    return read_scalars(log) if log.is_file() else []


def _read_test(folder: Path) -> dict[str, Any] | None:
    file = folder / f'{folder.name}.json'
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        raise OSError(f'{file} is not JSON: {error}') from error
    return values if isinstance(values, dict) else None


def _same_config(file: Path, config: dict[str, Any]) -> bool:
    try:
        return read_config(file) == config
    except (ConfigTextError, OSError):
        return False

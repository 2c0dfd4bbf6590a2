"""The folder of a run's checkpoints: which files are its own, and which of them may go."""

import os
import re
import stat
from collections.abc import Collection
from logging import Logger
from pathlib import Path

from mmengine.fileio import LocalBackend

from infomin_plugin.checkpoints.files import writing_aside

LAST = 'last_checkpoint'  # MMEngine's: a text file that names the newest checkpoint
PREEMPTED = 'preempted.pth'
REGULAR = ('epoch_{}.pth', 'iter_{}.pth')  # MMEngine's names


def remove_file(path: Path) -> None:
    """Remove a file. Nothing else in the package removes checkpoints."""
    path.unlink()


class CheckpointFolder(LocalBackend):
    """What MMEngine's checkpoint hook removes files through: later, and only the run's own.

    MMEngine takes from the message hub, and so from the file that a run was resumed from, which
    old files to remove, and removes them before the new one is written. Here they are remembered
    until :meth:`clear`, which refuses what is not a regular file of the folder itself under one of
    the hook's names.

    Args:
        folder (str): Of the checkpoints.
        template (str): Name of a checkpoint, such as ``epoch_{}.pth``.
        logger (Logger): Is told what is refused.
    """

    def __init__(self, folder: str, template: str, logger: Logger) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.logger = logger
        self.outdated: list[str] = []
        start, _, end = template.partition('{}')
        self._regular = rf'{re.escape(start)}\d+{re.escape(end)}'

    def remove(self, filepath: str | Path) -> None:
        """Remember a file that is outdated once the next checkpoint is complete."""
        self.outdated.append(str(filepath))

    rmtree = remove  # of a folder, which clear() refuses

    def is_best(self, name: str) -> bool:
        """Whether a file name is one of a best checkpoint."""
        return re.fullmatch(rf'best_.+_{self._regular}', name) is not None

    def clear(self, keep: Collection[str | None] = ()) -> None:
        """Remove the outdated files; call it when a newer one is complete.

        Args:
            keep (Collection[str | None]): Paths that stay, having been written again.
        """
        kept = {os.path.abspath(path) for path in keep if path}
        outdated, self.outdated = self.outdated, []
        for path in dict.fromkeys(map(os.path.abspath, outdated)):
            if path not in kept:
                self._remove(Path(path), rf'(best_.+_)?{self._regular}')

    def clear_parts(self) -> None:
        """Remove what writers that were killed left behind."""
        for path in self.folder.glob('.*.pth.*'):
            pattern = rf'\.((best_.+_)?{self._regular}|{re.escape(PREEMPTED)})\.[0-9a-f]{{32}}'
            if re.fullmatch(pattern, path.name):
                self._remove(path, pattern)

    def clear_preempted(self) -> None:
        """Remove the checkpoint of a pre-emption, a regular one being newer."""
        self._remove(self.folder / PREEMPTED, re.escape(PREEMPTED))

    def _remove(self, path: Path, pattern: str) -> None:
        try:
            mode = path.lstat().st_mode
        except OSError:
            return  # gone already
        if path.parent != self.folder or not re.fullmatch(pattern, path.name) or not stat.S_ISREG(
                mode):
            self.logger.warning(f'{path} is not removed: it is no checkpoint of this run')
            return
        remove_file(path)


def write_last(work_dir: str | os.PathLike, path: str | os.PathLike) -> None:
    """Have a work dir name its newest checkpoint.

    Args:
        work_dir (str | PathLike): Of the run.
        path (str | PathLike): The checkpoint.
    """
    with writing_aside(Path(work_dir) / LAST) as file:
        file.write(os.fsencode(path))


def read_last(work_dir: str | os.PathLike) -> Path | None:
    """Which checkpoint a work dir names as its newest; None if it names none.

    One that lies in the work dir itself goes before one of the same name elsewhere: the folder may
    have been moved or copied.
    """
    try:
        text = os.fsdecode((Path(work_dir) / LAST).read_bytes()).strip()
    except OSError:
        return None
    if not text or '\0' in text:
        return None
    here = Path(work_dir) / Path(text).name
    return here if here.is_file() else Path(text)


def find_checkpoints(work_dir: str | os.PathLike) -> list[Path]:
    """List the checkpoints from which a run can go on, the newest by the clock first.

    Args:
        work_dir (str | PathLike): Of the run; where :func:`read_last` points to is looked at too.

    Returns:
        list[Path]: Regular ones, that of a pre-emption, and the last one whatever its name. Where
        the clock is too coarse to tell, first the one named last, then a pre-empted one, then the
        furthest.
    """
    last = read_last(work_dir)
    folders = {Path(work_dir)} | ({last.parent} if last else set())
    names = '|'.join(re.escape(name).replace(r'\{\}', r'\d+') for name in REGULAR)
    found = {path for folder in folders if folder.is_dir() for path in folder.iterdir()
             if re.fullmatch(rf'{names}|{re.escape(PREEMPTED)}', path.name) and path.is_file()}
    if last and last.is_file():
        found.add(last)
    def age(path: Path) -> tuple:
        step = re.search('[0-9]+$', path.stem)
        return (path.stat().st_mtime_ns, path == last, path.name == PREEMPTED,
                int(step[0]) if step else 0)

    return sorted(found, key=age, reverse=True)

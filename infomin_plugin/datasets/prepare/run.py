"""Looks at a set, and fetches what is missing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infomin_plugin.datasets.mini.place import locked

from .checks import MISSING, OK, Row
from .download import download, mirrored
from .files import PrepareError, Update, ignore, still_has_digest
from .sources import Archive, Source

# Called with what is being done, and whether it tells how far it is.
Watch = Callable[[str, bool], AbstractContextManager[Update]]


@dataclass(frozen=True)
class Report:
    """What there is now.

    Attributes:
        rows (tuple[Row, ...]): The findings, in the order of the set's archives.
        problems (tuple[str, ...]): What could not be done, and what to do by hand.
    """

    rows: tuple[Row, ...]
    problems: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all is there and right."""
        return all(row.status == OK for row in self.rows)


@contextmanager
def unwatched(what: str, measured: bool) -> Iterator[Update]:
    """Show nothing: a :data:`Watch`."""
    yield ignore


def check(source: Source, root: Path, sample: int = 200, watch: Watch = unwatched) -> Report:
    """Look at a set, without writing anything.

    Args:
        source: The set.
        root: Folder of data sets.
        sample: How many images of each folder are decoded, drawn with a fixed seed.
        watch: Shows what is being done.

    Returns:
        Report: Its problems say what would be downloaded, and what has to be fetched by hand.
    """
    rows, problems = [], []
    for archive in source.archives:
        found = _rows(archive, root, sample, watch)
        if archive.url and _lacks(found):
            problems.append(f'without --check-only {archive.file} ({archive.size / 1e9:.1f} GB) '
                            f'is downloaded from {archive.url}')
        rows += found
    return _report(source, root, rows, problems)


def prepare(source: Source, root: Path, mirror: str | None = None, keep_archives: bool = False,
            sample: int = 200, watch: Watch = unwatched) -> Report:
    """Look at a set; download and unpack what is missing.

    Archives lie in ``root/archives/NAME/`` until what they bring is there and right. Those that
    are there already, from a run that was cut off or put there by hand, are used, and kept. A
    second process that prepares the same set waits for the first.

    Where something is wrong, not missing, nothing is downloaded or replaced: the row says what to
    delete.

    Args:
        source: The set.
        root: Folder of data sets; made if it is not there.
        mirror: ``http[s]://HOST[/PREFIX]`` in place of the addresses' servers.
        keep_archives: Whether to keep what was downloaded.
        sample: See :func:`check`.
        watch: Shows what is being done.

    Returns:
        Report: What is there now. Its problems say what went wrong with an archive, and what has
            to be fetched by hand.

    Raises:
        OSError: If the folder cannot be made.
    """
    folder = archive_folder(source, root)
    folder.mkdir(parents=True, exist_ok=True)
    rows, problems = [], []
    with locked(folder):
        for archive in source.archives:
            found = _rows(archive, root, sample, watch)
            path = folder / archive.file
            if _lacks(found) and (archive.url or path.is_file()):
                there = path.is_file()
                try:
                    _place(archive, path, root, mirror, watch)
                    found = _rows(archive, root, sample, watch)
                    if not there and not keep_archives and all(row.status == OK for row in found):
                        path.unlink()
                except (PrepareError, OSError) as error:
                    problems.append(str(error))
            rows += found
    return _report(source, root, rows, problems)


def archive_folder(source: Source, root: Path) -> Path:
    """Where the archives of a set lie while it is made."""
    return root / 'archives' / source.name


def _rows(archive: Archive, root: Path, sample: int, watch: Watch) -> list[Row]:
    with watch(f'looking for what {archive.file} brings', False):
        return [row for check in archive.checks for row in check.rows(root, sample)]


def _lacks(rows: Iterable[Row]) -> bool:
    return any(row.status == MISSING for row in rows)


def _place(archive: Archive, path: Path, root: Path, mirror: str | None, watch: Watch) -> None:
    if not path.is_file():
        with watch(f'downloading {archive.file}', True) as update:
            download(mirrored(archive.url, mirror), path, archive.digest, update)
    elif archive.digest:
        with watch(f'reading {archive.file}', True) as update:
            if not still_has_digest(path, archive.digest, update):
                raise PrepareError(f'{path} has not the checksum {archive.digest}: delete it and '
                                   'run again')
    with watch(f'unpacking {archive.file}', True) as update:
        archive.unpack(path, root / archive.into, update)


def _report(source: Source, root: Path, rows: list[Row], problems: list[str]) -> Report:
    if source.by_hand and any(row.status != OK for row in rows):
        problems = [*problems, source.by_hand.format(archives=archive_folder(source, root))]
    return Report(tuple(rows), tuple(problems))

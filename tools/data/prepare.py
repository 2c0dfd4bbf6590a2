"""Check a data set of the paper; download and unpack what is missing."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from infomin_plugin.datasets.prepare import SOURCES, Report, check, prepare
from infomin_plugin.datasets.prepare.files import Update, ignore

COLORS = {'ok': 'green', 'missing': 'yellow', 'bad': 'red'}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='The exit code is 0 only if all is there and right.')
    parser.add_argument('name', choices=SOURCES, help='the set')
    parser.add_argument('--root', type=Path, default=Path('data'), metavar='DIR',
                        help='folder of data sets, where the configs look (%(default)s)')
    parser.add_argument('--check-only', action='store_true', help='write nothing')
    parser.add_argument('--keep-archives', action='store_true',
                        help='keep what was downloaded, in ROOT/archives/NAME')
    parser.add_argument('--sample', type=int, default=200, metavar='N',
                        help='images of each folder to decode (%(default)s)')
    parser.add_argument('--mirror', metavar='URL',
                        help='http[s]://HOST[/PREFIX], in place of the original servers')
    args = parser.parse_args(argv)
    if args.sample < 0:
        parser.error(f'--sample must be at least 0, but it is {args.sample}')
    return args


def show(report: Report, name: str) -> None:
    """One line a check, then what to do."""
    console = Console()
    table = Table(title=name)
    for header in ('what', 'found', 'wanted', 'status'):
        table.add_column(header, overflow='fold')
    for row in report.rows:
        table.add_row(escape(row.what), row.found, row.wanted, row.status,
                      style=COLORS[row.status])
    console.print(table)
    for row in report.rows:
        if row.note:
            print(f'{row.status}: {row.what}: {row.note}')
    for problem in report.problems:
        print(problem, file=sys.stderr)


@contextmanager
def watch(what: str, measured: bool) -> Iterator[Update]:
    """Show what is being done on stderr, with a bar of bytes if they are told."""
    console = Console(stderr=True)
    if not measured:
        with console.status(what):
            yield ignore
        return
    columns = (TextColumn('{task.description}'), BarColumn(), DownloadColumn(),
               TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def main(argv: Sequence[str] | None = None) -> int:
    """Check or prepare, and say what there is."""
    args = parse_args(argv)
    source = SOURCES[args.name]
    try:
        if args.check_only:
            report = check(source, args.root, args.sample, watch)
        else:
            report = prepare(source, args.root, args.mirror, args.keep_archives, args.sample, watch)
    except OSError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        return 130
    show(report, args.name)
    return 0 if report.complete else 1


if __name__ == '__main__':
    sys.exit(main())

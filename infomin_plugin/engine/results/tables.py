"""Puts measurements into tables: rows are methods, cells are means over seeds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .descriptions import FINE_TUNING, Subject
from .initialisations import row_order
from .published import IMAGES, Published
from .read_outs import KNN_CURVE, READ_OUT
from .rows import Cell, cells_of, latest, split_rows
from .runs import Measurement

# tasks and their columns, in the order of a page
COLUMNS = {
    KNN_CURVE: ('start', 'end'),
    READ_OUT: ('kNN', 'linear'),
    'linear': ('Top 1 Accuracy', 'Top 5 Accuracy'),
    FINE_TUNING: ('Top 1 Accuracy', 'Top 5 Accuracy'),
    'VOC': ('AP', 'AP50', 'AP75'),
    'COCO': ('box AP', 'mask AP'),
}


@dataclass
class Table:
    """One table.

    Attributes:
        title: What it is about.
        columns: Names.
        rows: By the name of the row, cells by column; those not measured are absent.
        published: By the name of the row; None where the table has no such column.
        configs: Names of the config files.
        data: Last folder of the data root.
        notes: On rows whose settings are not those of the others.
    """
    title: str
    columns: list[str]
    rows: dict[str, dict[str, Cell]]
    configs: list[str]
    data: str
    published: dict[str, Published] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[tuple[str, list[str]]]:
        """Rows that lack columns, and which."""
        lacking = [(row, [name for name in self.columns if name not in cells])
                   for row, cells in self.rows.items()]
        return [(row, names) for row, names in lacking if names]


def by_task(measurements: Iterable[Measurement], published: Sequence[Published] = ()
            ) -> tuple[list[tuple[Subject, Table]], list[tuple[str, str]]]:
    """One table for each task, data set, split, schedule and encoder.

    Runs of a row with another seed make one cell; of two with the same seed the later counts. Rows
    whose settings differ from those of most runs of the table get a mark and a note, and a cell is
    never made of runs with different settings.

    Args:
        measurements (Iterable[Measurement]): In any order.
        published (Sequence[Published]): Results to stand beside them.

    Returns:
        tuple: Tables by subject, and measurements that do not count, with the reason.
    """
    groups: dict[Subject, list[Measurement]] = defaultdict(list)
    for measurement in sorted(measurements, key=lambda m: (m.when, m.where)):
        groups[measurement.subject].append(measurement)
    tables, repeated, marks = [], [], 0
    for subject in sorted(groups, key=_page_order):
        runs, again = latest(groups[subject])
        repeated += again
        table = Table(
            title=', '.join(filter(None, (subject.task, subject.encoder, subject.schedule,
                                          ' '.join(filter(None, (subject.data, subject.split)))))),
            columns=[name for name in _columns(subject.task, runs)
                     if any(name in run.scores for run in runs)],
            rows={}, configs=sorted({run.config for run in runs}), data=subject.data)
        for label, note, found in split_rows(runs):
            if note:
                marks += 1
                label = f'{label} [{marks}]'
                table.notes.append(f'[{marks}] {note}')
            table.rows[label] = cells_of(table.columns, found)
        _add_published(table, subject, runs, published)
        table.rows = dict(sorted(table.rows.items(), key=lambda item: row_order(item[0])))
        tables.append((subject, table))
    return tables, repeated


def side_by_side(tables: Iterable[tuple[Subject, Table]]) -> list[Table]:
    """One table for each data set and split, all tasks side by side.

    Published values and the curves of pre-training are not in it. Read-outs that do not name their
    data stand beside the one data set with a split of that name.

    Args:
        tables (Iterable[tuple[Subject, Table]]): As :func:`by_task` returns them.

    Returns:
        list[Table]: By data and split.
    """
    tables = [(subject, table) for subject, table in tables if subject.task != KNN_CURVE]
    named = defaultdict(set)
    for subject, _ in tables:
        if subject.data:
            named[subject.split].add(subject.data)
    groups = defaultdict(list)
    for subject, table in tables:
        data = subject.data
        if not data and len(named[subject.split]) == 1:
            data, = named[subject.split]
            if subject.task == READ_OUT:
                table.notes.append(f'The read-outs do not say their data, taken to be `{data}`.')
        groups[data, subject.split].append((subject, table))
    return [_joined(data, split, found) for (data, split), found in sorted(groups.items())]


def _joined(data: str, split: str, tables: list[tuple[Subject, Table]]) -> Table:
    subjects = [subject for subject, _ in tables]
    joined = Table(title=', '.join(filter(None, (data, split))), columns=[], rows={}, configs=[],
                   data=data)
    for subject, table in tables:
        task = '' if subject.task == READ_OUT else f'{subject.task} '
        # what tells two tables of a task apart
        beside = [other for other in subjects if other.task == subject.task]
        extra = [getattr(subject, key) for key in ('encoder', 'schedule')
                 if len({getattr(other, key) for other in beside}) > 1]
        suffix = f' ({", ".join(filter(None, extra))})' if any(extra) else ''
        for label, cells in table.rows.items():
            row = joined.rows.setdefault(label, {})
            row.update({f'{task}{name}{suffix}': cell for name, cell in cells.items()})
        joined.columns += [f'{task}{name}{suffix}' for name in table.columns]
        joined.configs += [name for name in table.configs if name not in joined.configs]
        joined.notes += table.notes
    joined.rows = {label: cells for label, cells in sorted(
        joined.rows.items(), key=lambda item: row_order(item[0])) if cells}
    return joined


def _page_order(subject: Subject) -> tuple:
    return list(COLUMNS).index(subject.task), subject


def _columns(task: str, runs: Sequence[Measurement]) -> list[str]:
    """The task's columns, then those that only these runs have."""
    return list(dict.fromkeys([*COLUMNS[task], *(name for run in runs for name in run.scores)]))


def _add_published(table: Table, subject: Subject, runs: list[Measurement],
                   published: Sequence[Published]) -> None:
    where = (subject.task, subject.split, subject.schedule, subject.encoder)
    fits = {entry.label: entry for entry in published
            if (entry.task, entry.split, entry.schedule, entry.encoder) == where
            and all(run.num_classes == entry.num_classes for run in runs)}
    if fits:
        table.published = fits
        for label in fits:
            table.rows.setdefault(label, {})
        others = {(run.start.label, run.start.images) for run in runs
                  if run.start.label in fits and run.start.images not in (None, IMAGES)}
        table.notes += [
            f'{label}: pre-trained on {images:,} images, the published one on the {IMAGES:,} of '
            'ImageNet-1k.' for label, images in sorted(others)]

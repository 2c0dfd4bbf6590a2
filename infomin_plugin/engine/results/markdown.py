"""Writes tables as Markdown, alone or into a document."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .rows import Cell
from .tables import Table

MISSING = '–'
EXPLANATION = (
    'Percent; mean ± sample standard deviation over the seeds named, a single run without. '
    f'{MISSING}: not measured. Each figure is of the last checkpoint.')
PUBLISHED = ("*Published* are the authors' figures, not measured here; *recalled* ones were not "
             're-read from a paper.')


class MarkerError(ValueError):
    """A document lacks the place for a table."""


def render(tables: Sequence[Table], left_out: Sequence[tuple[str, str]], command: str) -> str:
    """Write tables, and below them what stands in none.

    Args:
        tables (Sequence[Table]): In this order.
        left_out (Sequence[tuple[str, str]]): Runs that are in no table, each with the reason.
        command (str): That makes this text.

    Returns:
        str: Markdown.
    """
    about = EXPLANATION + (f' {PUBLISHED}' if any(t.published for t in tables) else '')
    lines = [f'Written by `{command}`. {about}', '']
    for table in tables:
        lines += [f'### {table.title}', '', *_rows(table), '', *_below(table), '']
    if left_out:
        lines += ['Left out:', '']
        lines += [f'- `{where}`: {" ".join(reason.split())}' for where, reason in left_out]
        lines.append('')
    return '\n'.join(lines)


def put_between(document: str, name: str, text: str) -> str:
    """Replace the part of a document that a tool writes.

    Args:
        document (str): With the lines ``<!-- transfer_table:begin NAME -->`` and, after it,
            ``<!-- transfer_table:end NAME -->``, once each.
        name (str): NAME.
        text (str): To stand between them.

    Returns:
        str: The document with it.

    Raises:
        MarkerError: If there is not one such pair.
    """
    begin, end = (f'<!-- transfer_table:{word} {name} -->' for word in ('begin', 'end'))
    if document.count(begin) != 1 or document.count(end) != 1 or (
            document.index(begin) > document.index(end)):
        raise MarkerError(f'it needs one line {begin} and, after it, one line {end}')
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    return f'{before}{begin}\n{text.strip()}\n{end}{after}'


def as_dict(table: Table) -> dict[str, Any]:
    """What a table says, for JSON."""
    return dict(
        title=table.title, data=table.data, configs=table.configs, notes=table.notes,
        missing=dict(table.missing),
        rows=[dict(
            row=row,
            cells={name: dict(mean=cell.mean, deviation=cell.deviation, values=cell.values,
                              seeds=cell.seeds) for name, cell in cells.items()},
            published=None if row not in (table.published or {}) else dict(
                source=table.published[row].source, scores=table.published[row].scores))
            for row, cells in table.rows.items()])


def _rows(table: Table) -> list[str]:
    published = [] if table.published is None else [
        f'published {" / ".join(_published_columns(table))}']
    header = ['pre-training', *table.columns, *published, 'seeds']
    lines = ['| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header)]
    for row, cells in table.rows.items():
        line = [row.replace('|', '\\|'), *(_cell(cells.get(name)) for name in table.columns)]
        if published:
            line.append(_published_cell(table, row))
        lines.append('| ' + ' | '.join([*line, _seeds(cells)]) + ' |')
    return lines


def _below(table: Table) -> list[str]:
    configs = ', '.join(f'`{name}`' for name in table.configs)
    data = f', on `{table.data}`' if table.data else ''
    lines = [f'Measured here with {configs}{data}.']
    if table.missing:
        lacking = '; '.join(row if len(names) == len(table.columns) else
                            f'{row} ({", ".join(names)})' for row, names in table.missing)
        lines.append(f'Not measured: {lacking}.')
    return [*lines, *(line for note in table.notes for line in ('', note))]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return MISSING
    spread = '' if cell.deviation is None else f' ± {cell.deviation:.1f}'
    return f'{cell.mean:.1f}{spread}'


def _published_columns(table: Table) -> list[str]:
    return [name for name in table.columns
            if any(name in entry.scores for entry in table.published.values())]


def _published_cell(table: Table, row: str) -> str:
    entry = table.published.get(row)
    if entry is None:
        return MISSING
    scores = ' / '.join(f'{entry.scores[name]:.1f}' if name in entry.scores else MISSING
                        for name in _published_columns(table))
    return scores if entry.source == 'published' else f'{scores} ({entry.source})'


def _seeds(cells: dict[str, Cell]) -> str:
    """The seeds of most columns, and those of the others by name."""
    columns = defaultdict(list)
    for name, cell in cells.items():
        columns[cell.seeds].append(name)
    if not columns:
        return MISSING
    most = max(columns, key=lambda seeds: len(columns[seeds]))
    others = '; '.join(f'{", ".join(names)}: {", ".join(seeds)}'
                       for seeds, names in columns.items() if seeds != most)
    return ', '.join(most) + (f' ({others})' if others else '')

"""Runs of one table: which of them are seeds of one row, and what their settings differ in."""

import statistics
import textwrap
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from .runs import Measurement

SETTINGS_SHOWN = 6
CHARACTERS_SHOWN = 60  # of a setting


@dataclass(frozen=True)
class Cell:
    """Scores of one row in one column, by seed.

    Attributes:
        values: Percent, a run each.
        seeds: Of these runs, in words.
    """
    values: tuple[float, ...]
    seeds: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Mean over runs."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Standard deviation over runs with n - 1; None for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


def latest(runs: list[Measurement]) -> tuple[list[Measurement], list[tuple[str, str]]]:
    """Drop what was measured again later, with the same seeds and settings.

    Args:
        runs (list[Measurement]): Of one table, the earlier first.

    Returns:
        tuple: The ones that count, and the others, each with the reason.
    """
    kept, again = {}, []
    for run in runs:
        who = (run.start, _frozen(run.shared), _frozen(run.own),
               run.trained if run.seed is None else run.seed)
        if who in kept:
            again.append((kept[who].where, f'measured again later in {run.where}, which counts'))
        kept[who] = run
    return list(kept.values()), again


def split_rows(runs: list[Measurement]) -> Iterator[tuple[str, str, list[Measurement]]]:
    """Divide the runs of a table into rows, so that the runs of a row have the same settings.

    Args:
        runs (list[Measurement]): Of one table.

    Yields:
        tuple: Label and runs of a row and, if its settings are not those of most runs, a note
        that says which.
    """
    usual = _most(runs, 'shared')
    by_label = defaultdict(list)
    for run in runs:
        by_label[run.start.label].append(run)
    for label, found in by_label.items():
        as_usual = [run for run in found if _frozen(run.shared) == _frozen(usual.shared)]
        own = _most(as_usual or found, 'own')
        variants = defaultdict(list)
        for run in found:
            variants[_frozen(run.shared), _frozen(run.own)].append(run)
        for same in variants.values():
            text = '; '.join(filter(None, (
                _difference(same[0].shared, usual.shared, 'most runs of the table'),
                _difference(same[0].own, own.own, 'other runs of its name'))))
            places = ', '.join(f'`{run.where}`' for run in same)
            yield label, text and f'{places}: {text}', same


def cells_of(columns: list[str], runs: list[Measurement]) -> dict[str, Cell]:
    """Cells of a row, by column; those of columns that none of its runs measured are absent.

    Args:
        columns (list[str]): Of the table.
        runs (list[Measurement]): Of the row.

    Returns:
        dict[str, Cell]: By column.
    """
    runs = sorted(runs, key=lambda run: (_seed(run), run.where))
    return {name: Cell(tuple(run.scores[name] for run in having),
                       tuple(_seed(run) for run in having))
            for name in columns if (having := [run for run in runs if name in run.scores])}


def _most(runs: list[Measurement], key: str) -> Measurement:
    """A run with the settings that most have; of several the earliest."""
    counts = defaultdict(list)
    for run in runs:
        counts[_frozen(getattr(run, key))].append(run)
    return max(counts.values(), key=len)[0]


def _difference(settings: dict[str, Any], usual: dict[str, Any], others: str) -> str:
    keys = sorted(key for key in settings.keys() | usual.keys()
                  if settings.get(key) != usual.get(key))
    shown = ', '.join(f'`{key}` {_short(settings.get(key))} (not {_short(usual.get(key))})'
                      for key in keys[:SETTINGS_SHOWN])
    more = f' and {len(keys) - SETTINGS_SHOWN} more' if len(keys) > SETTINGS_SHOWN else ''
    return f'unlike {others}, {shown}{more}' if keys else ''


def _short(value: Any) -> str:
    return textwrap.shorten(str(value), CHARACTERS_SHOWN)


def _seed(run: Measurement) -> str:
    """The run's seed, and the pre-training's where it is another."""
    own = '?' if run.seed is None else str(run.seed)
    if run.start.seed in (None, run.seed):
        return own
    return f'{own} of pre-training {run.start.seed}'


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list) else value

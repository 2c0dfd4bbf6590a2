"""kNN curves of finished pre-trainings, one a row of the tables."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from .initialisations import row_label, row_order
from .read_outs import KNN_FILE
from .work_dirs import find_work_dirs


@dataclass(frozen=True)
class KNNCurve:
    """kNN accuracy during one pre-training.

    Attributes:
        row: Name of the row.
        seed: Of the run, None if it is not known.
        points: ``epoch`` and, by query set, percent; from random weights to the last epoch.
    """
    row: str
    seed: int | None
    points: list[dict[str, float]]


def read_knn_curves(roots: Sequence[Path]) -> list[KNNCurve]:
    """Read the curves that :class:`KNNHook` wrote below some folders; unfinished ones are left out.

    Args:
        roots (Sequence[Path]): Folders.

    Returns:
        list[KNNCurve]: One a pre-training.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    curves = []
    for work in find_work_dirs(roots)[0]:
        file = work.path / KNN_FILE
        config = work.training[-1].config if work.training else {}
        if 'method' not in config or not file.is_file():
            continue
        points = json.loads(file.read_text())
        epochs = config['train_cfg']['max_epochs']
        if epochs in (point['epoch'] for point in points):
            curves.append(KNNCurve(
                row_label(config['method'], epochs), work.training[0].seed, points))
    return curves


def mean_curves(curves: Iterable[KNNCurve]) -> dict[str, list[dict[str, float]]]:
    """Mean over seeds; of two curves of a row with the same seed the later counts.

    Args:
        curves (Iterable[KNNCurve]): The earlier first.

    Returns:
        dict[str, list[dict]]: Points by the name of the row, in the order of the tables; epochs
        that one of its seeds did not measure are left out.
    """
    by_row = defaultdict(dict)
    for number, curve in enumerate(curves):
        known = number if curve.seed is None else f'seed {curve.seed}'
        by_row[curve.row][known] = {
            point['epoch']: {name: value for name, value in point.items() if name != 'epoch'}
            for point in curve.points}
    return {row: _mean(list(by_row[row].values())) for row in sorted(by_row, key=row_order)}


def _mean(curves: list[dict[int, dict[str, float]]]) -> list[dict[str, float]]:
    shared = sorted(set.intersection(*map(set, curves)))
    return [dict(epoch=epoch) | {name: fmean(curve[epoch][name] for curve in curves)
                                 for name in curves[0][epoch]} for epoch in shared]

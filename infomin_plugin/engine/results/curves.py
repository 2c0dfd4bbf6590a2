"""kNN curves of finished pre-trainings, one a row of the tables."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from .initialisations import row_label, row_order
from .read_outs import KNN_FILE
from .work_dirs import find_work_dirs


def read_knn_curves(roots: Sequence[Path]) -> dict[str, list[dict[str, float]]]:
    """Mean over seeds of the curves that :class:`KNNHook` wrote below some folders.

    Args:
        roots (Sequence[Path]): Folders.

    Returns:
        dict[str, list[dict]]: By the name of the row, in the order of the tables, points with
        ``epoch`` and, by query set, percent; unfinished curves are left out, and of each curve the
        epochs that another seed did not measure.

    Raises:
        FileNotFoundError: If a folder does not exist.
    """
    by_row = defaultdict(list)
    for work in find_work_dirs(roots)[0]:
        file = work.path / KNN_FILE
        config = work.training[-1].config if work.training else {}
        if 'method' not in config or not file.is_file():
            continue
        curve = {point.pop('epoch'): point for point in json.loads(file.read_text())}
        epochs = config['train_cfg']['max_epochs']
        if epochs in curve:
            by_row[row_label(config['method'], epochs)].append(curve)
    return {label: _mean(by_row[label]) for label in sorted(by_row, key=row_order)}


def _mean(curves: list[dict[int, dict[str, float]]]) -> list[dict[str, float]]:
    shared = sorted(set.intersection(*map(set, curves)))
    return [dict(epoch=epoch) | {name: fmean(curve[epoch][name] for curve in curves)
                                 for name in curves[0][epoch]} for epoch in shared]

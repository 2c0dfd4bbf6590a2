"""Plots of what is measured during training."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_knn_curves(curves: dict[str, Sequence[dict]], out: str | Path) -> None:
    """Plot kNN accuracy against epochs, a panel for each query set.

    Args:
        curves (dict[str, Sequence[dict]]): By method, the points that :class:`KNNHook` writes to
            ``knn.json``: ``epoch`` and, by query set, accuracies in percent. Epoch 0 is the
            network with random weights; a dotted line goes on with its mean over the methods.
        out (str | Path): Picture to write; its ending says the format.
    """
    sets = sorted({name for points in curves.values() for name in points[0]} - {'epoch'})
    figure = Figure(figsize=(5 * len(sets) + 2.5, 4), layout='constrained')
    panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
    for name, axes in zip(sets, panels, strict=True):
        axes.set(title=name, xlabel='epochs', ylabel='kNN accuracy, %')
        shown = {method: points for method, points in curves.items() if name in points[0]}
        for method, points in shown.items():
            axes.plot([p['epoch'] for p in points], [p[name] for p in points], marker='.',
                      label=method)
        axes.axhline(fmean(points[0][name] for points in shown.values()), color='grey',
                     linestyle=':', label='random weights')
    lines = {line.get_label(): line for axes in panels for line in axes.get_lines()}
    figure.legend(lines.values(), lines.keys(), loc='outside right upper')
    FigureCanvasAgg(figure).print_figure(out, dpi=100)

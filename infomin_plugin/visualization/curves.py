"""Plots of what is measured during training."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_knn_curves(curves: dict[str, Sequence[dict]], out: str | Path) -> None:
    """Plot kNN accuracy against epochs.

    Args:
        curves (dict[str, Sequence[dict]]): By method, the points that :class:`KNNHook` writes to
            ``knn.json``: ``epoch`` and, by query set, accuracies in percent. Epoch 0 is the
            network with random weights.
        out (str | Path): Picture to write; its ending says the format.
    """
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.add_subplot(xlabel='epochs', ylabel='kNN accuracy, %')
    for method, points in curves.items():
        for name in points[0].keys() - {'epoch'}:
            axes.plot([p['epoch'] for p in points], [p[name] for p in points], marker='.',
                      label=f'{method}, {name}')
            axes.axhline(points[0][name], color=axes.lines[-1].get_color(), linestyle=':',
                         label=f'random weights, {name}')
    axes.legend()
    FigureCanvasAgg(figure).print_figure(out, dpi=150)

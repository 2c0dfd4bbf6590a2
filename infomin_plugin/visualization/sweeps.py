"""The curve of accuracy over the information between views."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from infomin_plugin.evaluation.peak import Peak


class CurvePoint(NamedTuple):
    """One value of what is varied, over its seeds.

    Attributes:
        value: As text, to stand beside the point.
        i_nce: Mean and standard deviation (0 for a single seed), nats.
        accuracy: Likewise, percent.
        ceiling: The most that I_NCE could be, nats.
    """

    value: str
    i_nce: tuple[float, float]
    accuracy: tuple[float, float]
    ceiling: float


def draw_sweep(curves: Mapping[str, Sequence[CurvePoint]], peaks: Mapping[str, Peak], label: str,
               out: str | Path) -> None:
    """Plot accuracy against I_NCE, a panel a task.

    Bars are standard deviations over seeds. The fitted parabola is drawn where there is one; a peak
    that the data support is marked with its interval, else the title says why there is none.

    Args:
        curves (Mapping): Points of each task, by its name; at least one task.
        peaks (Mapping): Of each task.
        label (str): What the numbers beside the points are.
        out (str | Path): Picture to write; its ending says the format.
    """
    figure = Figure(figsize=(1 + 4.5 * len(curves), 4.2), layout='constrained')
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (task, points) in zip(panels, curves.items(), strict=True):
        _draw_task(axes, points, peaks[task])
        axes.set(xlabel=f'I_NCE, nats (at most {points[0].ceiling:.2f})', ylabel='accuracy, %')
        axes.set_title(f'{task}: {_verdict(peaks[task])}', fontsize='medium', wrap=True)
    figure.suptitle(f'beside the points: {label}', fontsize='medium')
    FigureCanvasAgg(figure).print_figure(out, dpi=150)


def _draw_task(axes: Axes, points: Sequence[CurvePoint], peak: Peak) -> None:
    (x, x_spread), (y, y_spread) = (
        zip(*(getattr(point, name) for point in points), strict=True)
        for name in ('i_nce', 'accuracy'))
    axes.errorbar(x, y, xerr=x_spread, yerr=y_spread, fmt='o', capsize=3)
    for point in points:
        axes.annotate(point.value, (point.i_nce[0], point.accuracy[0]), xytext=(4, 5),
                      textcoords='offset points')
    if np.isfinite(peak.coefficients).all():
        places = np.linspace(min(x), max(x), 100)
        axes.plot(places, np.polynomial.Polynomial(peak.coefficients)(places), color='grey',
                  linestyle='-' if peak.supported else ':')
    if peak.supported:
        axes.axvspan(peak.low, peak.high, color='C1', alpha=0.2)
        axes.axvline(peak.location, color='C1')


def _verdict(peak: Peak) -> str:
    if not peak.supported:
        return f'no peak, {peak.reason}'
    return f'peak at {peak.location:.2f} nats ({peak.low:.2f} to {peak.high:.2f})'

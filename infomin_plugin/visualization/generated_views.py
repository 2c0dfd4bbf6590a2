"""Pictures of what a view generator makes of images."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

# percentiles of a channel that become black and white: a few outliers must not make the rest grey
DISPLAY_RANGE = (1.0, 99.0)


class ViewsRow(NamedTuple):
    """Views of the same images as they are before and after learning."""

    # what the row shows, e.g. 'unsupervised, RGB'
    title: str
    # (view 1, view 2), N×1×H×W and N×2×H×W, or with the numbers of channels exchanged
    before: tuple[Tensor, Tensor]
    # the same after learning; None where nothing is learned
    after: tuple[Tensor, Tensor] | None = None


def display(views: Sequence[Tensor]) -> list[list[np.ndarray]]:
    """Bring views to a range that can be looked at: grey, one picture a channel.

    Each channel is stretched so that its 1st and 99th percentile over the whole batch become black
    and white: images stay comparable with each other, channels do not.

    Args:
        views (Sequence[Tensor]): Batches N×C×H×W of any range, on any device.

    Returns:
        list[list[np.ndarray]]: For each image the channels of all views in turn, H×W uint8.
    """
    channels = torch.cat([view.detach().float().cpu() for view in views], dim=1).numpy()
    low, high = np.percentile(channels, DISPLAY_RANGE, axis=(0, 2, 3), keepdims=True)
    # a constant channel is mid-grey, not noise
    spread = high - low
    flat = spread <= 1e-6 * np.maximum(1, np.abs(high))
    scaled = np.where(flat, 0.5, (channels - low) / np.where(flat, 1, spread))
    return [list(image) for image in (255 * scaled.clip(0, 1)).round().astype(np.uint8)]


def draw_view_rows(images: Tensor, rows: Sequence[ViewsRow], out: str | Path) -> None:
    """Draw originals and views, a row a regime, the images beside each other.

    Args:
        images (Tensor): N×3×H×W, RGB, 0…1.
        rows (Sequence[ViewsRow]): At least one, of these images.
        out (str | Path): Picture to write; its ending says the format.
    """
    originals = (255 * images.detach().cpu()).round().byte().movedim(1, -1).numpy()
    names = [f'view {number}' + (f', channel {channel + 1}' if view.size(1) > 1 else '')
             for number, view in enumerate(rows[0].before, 1) for channel in range(view.size(1))]
    titles = ['original', *(f'{name},\n{time}' for time in ('before', 'after') for name in names)]
    figure = Figure(figsize=(1.1 * len(titles) * len(images), 1.25 * len(rows) + 0.4),
                    layout='constrained')
    grid = figure.subplots(len(rows), len(titles) * len(images), squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.set_axis_off()
    for row, (line, views) in enumerate(zip(grid, rows, strict=True)):
        panels = [display(side) if side else [[]] * len(images)
                  for side in (views.before, views.after)]
        for index, original in enumerate(originals):
            pictures = [original, *panels[0][index], *panels[1][index]]
            for axes, title, picture in zip_longest(line[index * len(titles):][:len(titles)],
                                                    titles if row == 0 else (), pictures):
                if title:
                    axes.set_title(title, fontsize=6)
                if picture is not None:
                    axes.imshow(picture, cmap='gray', vmin=0, vmax=255, interpolation='nearest')
        line[0].set_axis_on()
        line[0].spines[:].set_visible(False)
        line[0].set_ylabel(views.title.replace(', ', '\n'), fontsize=6, rotation=0, ha='right',
                           va='center')
    FigureCanvasAgg(figure).print_figure(out, dpi=120)

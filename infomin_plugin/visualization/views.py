"""Pictures of what a pre-training pipeline makes of images."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch

from infomin_plugin.datasets.transforms import LoadImage

_GAP = 4
_HEADER = 20
_WHITE = 255


def to_picture(view: torch.Tensor) -> np.ndarray:
    """Turn a view or a set of patches into an RGB image.

    Args:
        view: (3, h, w), or (n * n, 3, h, w) for patches, which are laid out n by n in order.
            Float tensors (colour spaces) are stretched to 0..255 channel by channel.

    Returns:
        np.ndarray: (H, W, 3), uint8.
    """
    array = view.movedim(-3, -1).numpy()
    if array.dtype != np.uint8:
        axes = tuple(range(array.ndim - 1))
        low, high = array.min(axes), array.max(axes)
        array = ((array - low) / np.maximum(high - low, 1e-6) * 255).round().astype(np.uint8)
    if array.ndim == 3:
        return array
    side = round(len(array)**0.5)
    gap = max(1, array.shape[1] // 16)
    # A gap below and to the right of each patch; the outermost are cut off again.
    padded = np.pad(array, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=_WHITE)
    rows = [np.hstack(padded[i * side:(i + 1) * side]) for i in range(side)]
    return np.vstack(rows)[:-gap, :-gap]


def draw_grid(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str],
              height: int = 160) -> np.ndarray:
    """Lay RGB images out in rows, under one line of titles.

    Args:
        rows: Images (h, w, 3), uint8; all rows have as many as there are titles. Each is scaled to
            ``height``, and a column is as wide as its widest image.
        titles: One a column.
        height: Height of a row in pixels.

    Returns:
        np.ndarray: (H, W, 3), uint8, RGB.
    """
    rows = [[_scale(image, height) for image in row] for row in rows]
    widths = [max(image.shape[1] for image in column) for column in zip(*rows, strict=True)]
    canvas = np.full((_HEADER + len(rows) * (height + _GAP), sum(widths) + _GAP * len(widths), 3),
                     _WHITE, np.uint8)
    left = 0
    for column, (title, width) in enumerate(zip(titles, widths, strict=True)):
        cv2.putText(canvas, title, (left + 2, _HEADER - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45,
                    (0, 0, 0), 1, cv2.LINE_AA)
        for i, row in enumerate(rows):
            image = row[column]
            top = _HEADER + i * (height + _GAP)
            canvas[top:top + height, left:left + image.shape[1]] = image
        left += width + _GAP
    return canvas


def _scale(image: np.ndarray, height: int) -> np.ndarray:
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    # Enlarged pixels stay visible: small views should look as small as they are.
    shrinks = height < image.shape[0]
    return cv2.resize(image, (width, height),
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)


def draw_views(pipeline: Sequence[Callable], paths: Sequence[str], draws: int = 1,
               height: int = 160) -> np.ndarray:
    """Draw images beside their views and patches.

    Args:
        pipeline: Built transforms from ``dict(img_path=...)`` to what ``PackViews`` returns.
        paths: Image files, one or more.
        draws: Rows an image: its randomness is drawn anew in each.
        height: Height of a row in pixels.

    Returns:
        np.ndarray: (H, W, 3), uint8, RGB; a row is the original, then the views, then the patches.

    Raises:
        ImageError: If a file is unreadable.
        ValueError: If the pipeline does not end in ``PackViews``.
    """
    load = LoadImage()
    rows, titles = [], []
    for path in paths:
        original = load(dict(img_path=path))['img']
        for _ in range(draws):
            sample = dict(img_path=path)
            for step in pipeline:
                sample = step(sample)
            if 'inputs' not in sample:
                raise ValueError(f'the pipeline must end in PackViews; it gives {sorted(sample)}')
            tensors = [(f'{title} {i + 1}', tensor)
                       for name, title in (('views', 'view'), ('patches', 'patches'))
                       for i, tensor in enumerate(sample['inputs'][name])]
            titles = ['original', *(title for title, _ in tensors)]
            rows.append([original, *(to_picture(tensor) for _, tensor in tensors)])
    return draw_grid(rows, titles, height)

"""Captioned images laid out in rows and columns."""

import functools
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP = 4
# Between blocks, with a line in the middle of it.
_BLOCK_GAP = 24
_FONT_SIZE = 11
_LINE = 14
_WHITE = 255
_GREY = 180
# No image is wider than this many times the height of its row: a panorama gets less high instead.
_MAX_ASPECT = 3
# A box is drawn twice, dark around bright: one of the two stands out from any image.
_BOX = (((0, 0, 0), 3), ((255, 255, 0), 1))


class Panel(NamedTuple):
    """An image with its caption."""

    # (h, w, 3), uint8, RGB.
    image: np.ndarray
    # Lines of text above the image.
    caption: Sequence[str] = ()
    # (top, left, height, width) in pixels of the image, outlined in it.
    box: Sequence[float] | None = None
    # Whether a block begins here: a line sets off the panel's column from the one before, or its
    # row from the one above if it is the row's first.
    block: bool = False


def draw_grid(rows: Sequence[Sequence[Panel]], height: int = 128) -> np.ndarray:
    """Lay panels out in rows.

    A column is as wide as the widest of its images and captions, a row as high as its captions
    have lines and its highest image.

    Args:
        rows: Panels; rows may differ in length.
        height: Height of an image in pixels; panoramas get less high.

    Returns:
        np.ndarray: (H, W, 3), uint8, RGB.
    """
    scaled = [[_scale(panel, height) for panel in row] for row in rows]
    columns = [[panel for panel in column if panel] for column in zip_longest(*scaled)]
    lefts, right = [], 0
    for i, column in enumerate(columns):
        lefts.append(right + (_BLOCK_GAP if i and any(panel.block for panel in column) else _GAP))
        right = lefts[-1] + max(map(_width, column))
    canvas_width = right + _GAP
    tops, bottom = [], 0  # of the captions
    for i, row in enumerate(scaled):
        tops.append(bottom + (_BLOCK_GAP if i and row[0].block else _GAP))
        bottom = tops[-1] + _caption_height(row) + max(len(panel.image) for panel in row)

    canvas = Image.new('RGB', (canvas_width, bottom + _GAP), (_WHITE, ) * 3)
    pen = ImageDraw.Draw(canvas)
    for i, (row, top) in enumerate(zip(scaled, tops, strict=True)):
        image_top = top + _caption_height(row)
        if i and row[0].block:
            y = top - _BLOCK_GAP // 2
            pen.line((0, y, canvas_width, y), (_GREY, ) * 3)
        for k, (panel, left) in enumerate(zip(row, lefts, strict=False)):
            canvas.paste(Image.fromarray(panel.image), (left, image_top))
            for n, line in enumerate(reversed(panel.caption), 1):
                pen.text((left, image_top - n * _LINE), line, (0, 0, 0), _font())
            if k and panel.block:
                x = left - _BLOCK_GAP // 2
                pen.line((x, top, x, image_top + len(panel.image)), (_GREY, ) * 3)
    return np.array(canvas)


def _caption_height(row: Sequence[Panel]) -> int:
    return _LINE * max(len(panel.caption) for panel in row)


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    # OpenCV's fonts have no letters beyond ASCII, which names of files do.
    path = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / 'DejaVuSans.ttf'
    return ImageFont.truetype(str(path), _FONT_SIZE)


def _width(panel: Panel) -> int:
    texts = (round(_font().getlength(line)) + _GAP for line in panel.caption)
    return max(panel.image.shape[1], *texts, 1)


def _scale(panel: Panel, height: int) -> Panel:
    """Bring a panel's image to a height, with its box drawn in."""
    h, w = panel.image.shape[:2]
    zoom = min(height / h, _MAX_ASPECT * height / w)
    size = max(1, round(w * zoom)), max(1, round(h * zoom))
    # Enlarged pixels stay visible: small views should look as small as they are.
    image = cv2.resize(panel.image, size,
                       interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_NEAREST)
    if panel.box is not None:
        top, left, box_height, box_width = panel.box
        corners = [(round(x * size[0] / w), round(y * size[1] / h))
                   for x, y in ((left, top), (left + box_width, top + box_height))]
        # Lines lie wholly within the image: a crop of the whole of it shows as a frame.
        first, last = ((min(max(x, 1), size[0] - 2), min(max(y, 1), size[1] - 2))
                       for x, y in corners)
        for colour, thickness in _BOX:
            cv2.rectangle(image, first, last, colour, thickness)
    return panel._replace(image=image)

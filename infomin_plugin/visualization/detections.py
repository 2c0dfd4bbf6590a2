"""Pictures of detections side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def contact_sheet(paths: Sequence[Path], columns: int = 2, width: int = 480) -> np.ndarray:
    """Tile image files of any sizes, such as those that ``tools/test.py --show-dir`` writes.

    Args:
        paths (Sequence[Path]): At least one image file.
        columns (int): Images a row. Defaults to 2.
        width (int): Pixels an image. Defaults to 480.

    Returns:
        np.ndarray: H×W×3, uint8 RGB; an incomplete last row is filled with white.

    Raises:
        ValueError: If there is no image.
    """
    if not paths:
        raise ValueError('no pictures to tile')
    tiles = []
    for path in paths:
        with Image.open(path) as image:
            height = round(image.height * width / image.width)
            tiles.append(np.asarray(image.convert('RGB').resize((width, height))))
    tallest = max(len(tile) for tile in tiles)
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * tallest, columns * width, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * tallest, index % columns * width
        sheet[top:top + len(tile), left:left + width] = tile
    return sheet

"""Where a view looks: crops, flip, jigsaw patches."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image

from infomin_plugin.registry import TRANSFORMS

from . import checks

# torchvision's number of draws before RandomResizedCrop falls back to a central crop.
_TRIES = 10


def resize(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image (h, w, 3), uint8, to ``size`` = (height, width), bilinear with antialias.

    Pillow's filter, which widens when it shrinks, as torchvision uses it on Pillow images. When
    neither side shrinks, OpenCV's bilinear interpolation is the same filter and faster; when one
    does, neither of OpenCV's (INTER_LINEAR aliases, INTER_AREA is a box) is.
    """
    height, width = size
    if img.shape[:2] == size:
        return img
    if height >= img.shape[0] and width >= img.shape[1]:
        return cv2.resize(img, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(Image.fromarray(img).resize((width, height), Image.Resampling.BILINEAR))


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Crop a rectangle of random area and aspect ratio and resize it.

    The area is uniform in ``scale``, the ratio log-uniform in ``ratio``; ten draws are tried, then
    the largest central crop within ``ratio`` is taken (torchvision's rule). Cropping comes before
    resizing: no pixel outside the crop has any influence.

    Required and modified key: img ((H, W, 3), uint8 -> (*size, 3), uint8).

    Args:
        size: Side, or (height, width), of the result in pixels.
        scale: Range of the crop's share of the image area, in (0, 1].
        ratio: Range of width / height of the crop.
    """

    def __init__(self, size: int | Sequence[int], scale: Sequence[float] = (0.2, 1.0),
                 ratio: Sequence[float] = (3 / 4, 4 / 3)) -> None:
        self.size = checks.image_size('size', size)
        self.scale = checks.interval('scale', scale, 0, 1)
        self.ratio = checks.interval('ratio', ratio, 0)
        if self.scale[0] == 0 or self.ratio[0] == 0:
            raise ValueError(f'scale and ratio must be above 0, got {scale!r} and {ratio!r}')

    def draw_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of a crop, in pixels, for an image of that size."""
        log_ratio = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(_TRIES):
            area = height * width * np.random.uniform(*self.scale)
            ratio = math.exp(np.random.uniform(*log_ratio))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                top = np.random.randint(height - h + 1)
                left = np.random.randint(width - w + 1)
                return top, left, h, w
        w, h = width, height
        if width / height < self.ratio[0]:
            h = min(height, max(1, round(width / self.ratio[0])))
        elif width / height > self.ratio[1]:
            w = min(width, max(1, round(height * self.ratio[1])))
        return (height - h) // 2, (width - w) // 2, h, w

    def transform(self, results: dict) -> dict:
        """Crop and resize ``results['img']``."""
        img = results['img']
        top, left, h, w = self.draw_box(*img.shape[:2])
        results['img'] = resize(img[top:top + h, left:left + w], self.size)
        return results


@TRANSFORMS.register_module()
class CenterResizedCrop(BaseTransform):
    """Crop the centre and resize it: the view of an image at test time, without randomness.

    ``size=224, crop_ratio=0.875`` sees what resizing the short side to 256 and cropping the
    central 224 px does.

    Required and modified key: img ((H, W, 3), uint8 -> (*size, 3), uint8).

    Args:
        size: Side, or (height, width), of the result in pixels.
        crop_ratio: Side of the crop relative to the largest that fits, in (0, 1].
    """

    def __init__(self, size: int | Sequence[int], crop_ratio: float = 0.875) -> None:
        self.size = checks.image_size('size', size)
        self.crop_ratio = checks.number('crop_ratio', crop_ratio, 0, 1)

    def transform(self, results: dict) -> dict:
        """Crop and resize ``results['img']``."""
        img = results['img']
        height, width = img.shape[:2]
        zoom = self.crop_ratio * min(height / self.size[0], width / self.size[1])
        h, w = max(1, round(self.size[0] * zoom)), max(1, round(self.size[1] * zoom))
        top, left = (height - h) // 2, (width - w) // 2
        results['img'] = resize(img[top:top + h, left:left + w], self.size)
        return results


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror an image left to right with probability ``prob``.

    Required and modified key: img ((H, W, 3), uint8).
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = checks.probability('prob', prob)

    def transform(self, results: dict) -> dict:
        """Flip ``results['img']`` or leave it."""
        if np.random.rand() < self.prob:
            results['img'] = cv2.flip(results['img'], 1)
        return results


@TRANSFORMS.register_module()
class JigsawPatches(BaseTransform):
    """Cut an image into a grid of cells and take one patch at a random place in each.

    The gap that the offset leaves between patches keeps a network from joining them by their
    edges. Rows come first: patch ``i`` is from row ``i // grid``, column ``i % grid``; the model
    permutes them.

    Required and modified key: img ((grid * cell, grid * cell, 3), uint8 -> (grid ** 2, patch,
    patch, 3), uint8).

    Args:
        cell: Side of a cell in pixels.
        patch: Side of a patch in pixels, at most ``cell``. Offsets are uniform over
            0, ..., cell - patch in both directions.
        grid: Cells a side.

    Raises:
        ValueError: If the image is not ``grid * cell`` pixels a side.
    """

    def __init__(self, cell: int, patch: int, grid: int = 3) -> None:
        self.cell = checks.count('cell', cell)
        self.patch = checks.count('patch', patch)
        self.grid = checks.count('grid', grid)
        if patch > cell:
            raise ValueError(f'patch must be at most cell = {cell}, got {patch}')

    def transform(self, results: dict) -> dict:
        """Replace ``results['img']`` by its patches."""
        img, side = results['img'], self.grid * self.cell
        if img.shape[:2] != (side, side):
            raise ValueError(
                f'JigsawPatches(cell={self.cell}, grid={self.grid}) needs images of {side}x{side} '
                f'px, got {img.shape[1]}x{img.shape[0]}: crop to size={side} before it')
        offsets = np.random.randint(self.cell - self.patch + 1, size=(self.grid**2, 2))
        patches = np.empty((self.grid**2, self.patch, self.patch, 3), img.dtype)
        for i, (down, right) in enumerate(offsets):
            top = i // self.grid * self.cell + down
            left = i % self.grid * self.cell + right
            patches[i] = img[top:top + self.patch, left:left + self.patch]
        results['img'] = patches
        return results

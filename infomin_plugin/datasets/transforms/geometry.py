"""Where a view looks: crops, flip, jigsaw patches."""

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np

from infomin_plugin.registry import TRANSFORMS

from . import checks
from .changes import Change, RandomTransform

# torchvision's number of draws before RandomResizedCrop falls back to a central crop.
_TRIES = 10


@TRANSFORMS.register_module()
class RandomResizedCrop(RandomTransform):
    """Crop a rectangle of random area and aspect ratio and resize it.

    The area is uniform in ``scale``, the ratio log-uniform in ``ratio``; ten draws are tried, then
    the largest central crop within ``ratio`` is taken (torchvision's rule). Cropping comes before
    resizing: no pixel outside the crop has any influence.

    Required and modified key: img ((H, W, 3), uint8 -> (*size, 3), uint8).

    Args:
        size: Side, or (height, width), of the result in pixels.
        scale: Range of the crop's share of the image area, in (0, 1]; a number is the lower bound
            of a range that ends at 1.
        ratio: Range of width / height of the crop.
    """

    def __init__(self, size: int | Sequence[int], scale: float | Sequence[float] = (0.2, 1.0),
                 ratio: Sequence[float] = (3 / 4, 4 / 3)) -> None:
        self.size = checks.image_size('size', size)
        scale = (scale, 1.0) if isinstance(scale, Real) else scale
        self.scale = checks.interval('scale', scale, 0, 1)
        self.ratio = checks.interval('ratio', ratio, 0)
        if self.scale[0] == 0 or self.ratio[0] == 0:
            raise ValueError(f'scale and ratio must be above 0, got {scale!r} and {ratio!r}')

    def draw_box(self, height: int, width: int, random=np.random) -> tuple[int, int, int, int]:
        """Draw (top, left, height, width) of a crop, in pixels, for an image of that size."""
        log_ratio = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(_TRIES):
            area = height * width * random.uniform(*self.scale)
            ratio = math.exp(random.uniform(*log_ratio))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                top = random.randint(height - h + 1)
                left = random.randint(width - w + 1)
                return top, left, h, w
        w, h = width, height
        if width / height < self.ratio[0]:
            h = min(height, max(1, round(width / self.ratio[0])))
        elif width / height > self.ratio[1]:
            w = min(width, max(1, round(height * self.ratio[1])))
        return (height - h) // 2, (width - w) // 2, h, w

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the box."""
        return [Change('crop', (self.draw_box(*shape, random), self.size))]


@TRANSFORMS.register_module()
class RandomCrop(RandomTransform):
    """Cut out a rectangle at a random place, without resizing: its pixels are the image's own.

    Required and modified key: img ((H, W, 3), uint8 -> (*size, 3), uint8).

    Args:
        size: Side, or (height, width), of the result in pixels.

    Raises:
        ValueError: If an image is smaller than that.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = checks.image_size('size', size)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the place, uniform over all that fit."""
        top, left = (random.randint(room + 1) for room in self._room(shape))
        return [Change('crop', ((top, left, *self.size), self.size))]

    def _room(self, shape: tuple[int, int]) -> list[int]:
        room = [side - wanted for side, wanted in zip(shape, self.size, strict=True)]
        if min(room) < 0:
            raise ValueError(f'{type(self).__name__} cuts {self.size[0]}x{self.size[1]} px (height '
                             f'x width) out of an image, got one of {shape[0]}x{shape[1]} px')
        return room


@TRANSFORMS.register_module()
class CenterCrop(RandomCrop):
    """Cut out the middle of an image, without resizing: what :class:`RandomCrop` is at test time.

    Arguments, keys and errors as those of :class:`RandomCrop`.
    """

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Find the place; nothing is random."""
        top, left = (room // 2 for room in self._room(shape))
        return [Change('crop', ((top, left, *self.size), self.size))]


@TRANSFORMS.register_module()
class CenterResizedCrop(RandomTransform):
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

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Find the box; nothing is random."""
        height, width = shape
        zoom = self.crop_ratio * min(height / self.size[0], width / self.size[1])
        h, w = max(1, round(self.size[0] * zoom)), max(1, round(self.size[1] * zoom))
        box = (height - h) // 2, (width - w) // 2, h, w
        return [Change('crop', (box, self.size))]


@TRANSFORMS.register_module()
class RandomFlip(RandomTransform):
    """Mirror an image left to right with probability ``prob``.

    Required and modified key: img ((H, W, 3), uint8).
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = checks.probability('prob', prob)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw whether to flip."""
        return [Change('flip')] if random.random_sample() < self.prob else []


@TRANSFORMS.register_module()
class JigsawPatches(RandomTransform):
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

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the offsets."""
        offsets = random.randint(self.cell - self.patch + 1, size=(self.grid**2, 2))
        return [Change('patches', (self.cell, self.patch, self.grid, offsets.tolist()))]

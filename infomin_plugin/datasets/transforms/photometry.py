"""How a view's colours are changed: jitter, greyscale, colour spaces."""

from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import TRANSFORMS

from . import checks, pixels

# RGB in 0..1 to the space named, a row a channel. Y is the luminance of ITU-R BT.601 in all.
_FROM_RGB = {
    # SECAM, as scikit-image (and with it the authors' code) rounds it.
    'YDbDr': ((0.299, 0.587, 0.114), (-0.45, -0.883, 1.333), (-1.333, 1.116, 0.217)),
    # NTSC, as scikit-image rounds it.
    'YIQ': ((0.299, 0.587, 0.114), (0.59590059, -0.27455667, -0.32134392),
            (0.21153661, -0.52273617, 0.31119955)),
    'YPbPr': ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)),
}


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue, in random order (torchvision's rule).

    Required and modified key: img ((H, W, 3), uint8).

    Args:
        brightness: A number b draws the factor uniformly from [max(0, 1 - b), 1 + b], a pair from
            that range; 0 leaves the step out.
        contrast: Likewise.
        saturation: Likewise.
        hue: A number h draws the shift uniformly from [-h, h], a pair from that range, in turns of
            the colour circle, within [-0.5, 0.5].
    """

    def __init__(self, brightness: float | Sequence[float] = 0,
                 contrast: float | Sequence[float] = 0,
                 saturation: float | Sequence[float] = 0,
                 hue: float | Sequence[float] = 0) -> None:
        ranges = [(pixels.brightness, self._factors('brightness', brightness)),
                  (pixels.contrast, self._factors('contrast', contrast)),
                  (pixels.saturation, self._factors('saturation', saturation)),
                  (pixels.hue, self._shifts(hue))]
        self.steps = [(change, bounds) for change, bounds in ranges if bounds is not None]

    @staticmethod
    def _factors(name: str, value: float | Sequence[float]) -> tuple[float, float] | None:
        if isinstance(value, Sequence):
            return checks.interval(name, value, 0)
        spread = checks.number(name, value, 0)
        return (max(0., 1 - spread), 1 + spread) if spread else None

    @staticmethod
    def _shifts(value: float | Sequence[float]) -> tuple[float, float] | None:
        if isinstance(value, Sequence):
            return checks.interval('hue', value, -0.5, 0.5)
        spread = checks.number('hue', value, 0, 0.5)
        return (-spread, spread) if spread else None

    def transform(self, results: dict) -> dict:
        """Jitter ``results['img']``."""
        img = results['img']
        for i in np.random.permutation(len(self.steps)):
            change, bounds = self.steps[i]
            img = change(img, np.random.uniform(*bounds))
        results['img'] = img
        return results


@TRANSFORMS.register_module()
class RandomGrayscale(BaseTransform):
    """Replace the channels by the luminance with probability ``prob``.

    Required and modified key: img ((H, W, 3), uint8).
    """

    def __init__(self, prob: float = 0.2) -> None:
        self.prob = checks.probability('prob', prob)

    def transform(self, results: dict) -> dict:
        """Make ``results['img']`` grey or leave it."""
        if np.random.rand() < self.prob:
            results['img'] = pixels.grey(results['img'])
        return results


@TRANSFORMS.register_module()
class ColorSpace(BaseTransform):
    """Convert RGB to a space of one luminance and two chrominance channels.

    The last step of a recipe: what follows it no longer gets an RGB image.

    Required and modified key: img ((..., 3), uint8 -> float32; Y in 0..1, chrominance around 0:
    Db and Dr within +-1.333, I +-0.596, Q +-0.523, Pb and Pr +-0.5).

    Args:
        space: 'YDbDr', 'YIQ' or 'YPbPr'.
    """

    def __init__(self, space: str) -> None:
        self.space = checks.one_of('space', space, _FROM_RGB)
        self._matrix = np.array(_FROM_RGB[space], np.float32) / 255

    def transform(self, results: dict) -> dict:
        """Convert ``results['img']``."""
        img = results['img']
        flat = cv2.transform(img.reshape(-1, 1, 3).astype(np.float32), self._matrix)
        results['img'] = flat.reshape(img.shape)
        return results

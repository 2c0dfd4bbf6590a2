"""How a view's colours are changed: jitter, greyscale, colour spaces."""

from collections.abc import Sequence

import numpy as np

from infomin_plugin.color_spaces import FROM_RGB
from infomin_plugin.registry import TRANSFORMS

from . import checks
from .changes import Change, RandomTransform


@TRANSFORMS.register_module()
class ColorJitter(RandomTransform):
    """Change brightness, contrast, saturation and hue, in random order (torchvision's rule).

    Required and modified key: img ((H, W, 3), uint8).

    Args:
        brightness: A number b draws the factor uniformly from [max(0, 1 - b), 1 + b], a pair from
            that range; 0 leaves the step out.
        contrast: Likewise.
        saturation: Likewise.
        hue: A number h draws the shift uniformly from [-h, h], a pair from that range, in turns of
            the colour circle, within [-0.5, 0.5].
        strength: Factor of all four, which must then be numbers: how hard the views are to tell
            apart, in one number (Tian et al. 2020, section 4.1).
    """

    def __init__(self, brightness: float | Sequence[float] = 0,
                 contrast: float | Sequence[float] = 0,
                 saturation: float | Sequence[float] = 0,
                 hue: float | Sequence[float] = 0,
                 strength: float = 1) -> None:
        if checks.number('strength', strength, 0) != 1:
            pairs = [value for value in (brightness, contrast, saturation, hue)
                     if isinstance(value, Sequence)]
            if pairs:
                raise ValueError(f'strength multiplies numbers, got the range {pairs[0]}: set '
                                 'strength=1, or numbers')
            brightness, contrast, saturation, hue = (
                value * strength for value in (brightness, contrast, saturation, hue))
        ranges = [('brightness', self._factors('brightness', brightness)),
                  ('contrast', self._factors('contrast', contrast)),
                  ('saturation', self._factors('saturation', saturation)),
                  ('hue', self._shifts(hue))]
        self.ranges = [(name, bounds) for name, bounds in ranges if bounds is not None]

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

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the order and the factors."""
        ordered = (self.ranges[i] for i in random.permutation(len(self.ranges)))
        return [Change(name, (random.uniform(*bounds), )) for name, bounds in ordered]


@TRANSFORMS.register_module()
class RandomGrayscale(RandomTransform):
    """Replace the channels by the luminance with probability ``prob``.

    Required and modified key: img ((H, W, 3), uint8).
    """

    def __init__(self, prob: float = 0.2) -> None:
        self.prob = checks.probability('prob', prob)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw whether to make it grey."""
        return [Change('grey')] if random.random_sample() < self.prob else []


@TRANSFORMS.register_module()
class ColorSpace(RandomTransform):
    """Convert RGB to a space of one luminance and two chrominance channels.

    The last step of a recipe: what follows it no longer gets an RGB image.

    Required and modified key: img ((..., 3), uint8 -> float32; Y in 0..1, chrominance around 0:
    Db and Dr within +-1.333, I +-0.596, Q +-0.523, Pb and Pr +-0.5).

    Args:
        space: 'YDbDr', 'YIQ' or 'YPbPr'.
    """

    def __init__(self, space: str) -> None:
        self.space = checks.one_of('space', space, FROM_RGB)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Name the space; nothing is random."""
        return [Change('color_space', (self.space, ))]

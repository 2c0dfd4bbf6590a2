"""RandAugment (Cubuk et al. 2020) as data: a table from its names to operations and arguments.

To add an operation, add a row to ``AUGMENTATIONS``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from infomin_plugin.registry import TRANSFORMS

from . import checks
from .changes import Change, RandomTransform

MAX_MAGNITUDE = 10


def _enhance_factor(magnitude: float) -> float:
    return magnitude / MAX_MAGNITUDE * 1.8 + 0.1


class Augmentation(NamedTuple):
    """A row: which operation, and with which argument at which magnitude."""

    operation: str
    # From a magnitude, 0 to 10, to the operation's argument; None if it takes none.
    argument: Callable[[float], float] | None = None
    # Whether it moves pixels: the argument's sign is flipped with probability 0.5, and the
    # operation also takes the interpolation and a colour for what comes from outside.
    geometric: bool = False


AUGMENTATIONS = {
    'Identity': None,
    'AutoContrast': Augmentation('auto_contrast'),
    'Equalize': Augmentation('equalize'),
    'Invert': Augmentation('invert'),
    'Rotate': Augmentation('rotate', lambda m: m / MAX_MAGNITUDE * 30, geometric=True),
    # Bits kept: the larger the magnitude, the weaker the operation, as in the authors' code.
    'Posterize': Augmentation('posterize', lambda m: int(m / MAX_MAGNITUDE * 4)),
    'Solarize': Augmentation('solarize', lambda m: int(m / MAX_MAGNITUDE * 256)),
    'SolarizeAdd': Augmentation('solarize_add', lambda m: int(m / MAX_MAGNITUDE * 110)),
    'Color': Augmentation('saturation', _enhance_factor),
    'Contrast': Augmentation('contrast', _enhance_factor),
    'Brightness': Augmentation('brightness', _enhance_factor),
    'Sharpness': Augmentation('sharpness', _enhance_factor),
    'ShearX': Augmentation('shear_x', lambda m: m / MAX_MAGNITUDE * 0.3, geometric=True),
    'ShearY': Augmentation('shear_y', lambda m: m / MAX_MAGNITUDE * 0.3, geometric=True),
    'TranslateX': Augmentation('translate_x', lambda m: m / MAX_MAGNITUDE * 0.45, geometric=True),
    'TranslateY': Augmentation('translate_y', lambda m: m / MAX_MAGNITUDE * 0.45, geometric=True),
}


@TRANSFORMS.register_module()
class RandAugment(RandomTransform):
    """Apply some operations drawn from a list, each with a random magnitude.

    ``num_ops`` operations are drawn with replacement; each fires with probability ``prob`` and a
    magnitude clip(N(magnitude, magnitude_std), 0, 10) of its own. Geometric operations draw
    bilinear or bicubic interpolation with equal probability.

    Required and modified key: img ((H, W, 3), uint8).

    Args:
        ops: Names of rows of ``AUGMENTATIONS``.
        num_ops: Number of operations drawn an image.
        magnitude: Mean magnitude, 0 to 10.
        magnitude_std: Standard deviation of the magnitude.
        prob: Probability that a drawn operation is applied.
        fill: RGB colour, 0 to 255, of what geometric operations bring in from outside.
    """

    def __init__(self, ops: Sequence[str], num_ops: int = 2, magnitude: float = 10,
                 magnitude_std: float = 0.5, prob: float = 0.5,
                 fill: Sequence[int] = (124, 116, 104)) -> None:
        if isinstance(ops, str) or not ops:
            raise ValueError(f'ops must be a list of one operation or more, got {ops!r}')
        self.ops = [checks.one_of('ops', name, AUGMENTATIONS) for name in ops]
        self.num_ops = checks.count('num_ops', num_ops)
        self.magnitude = checks.number('magnitude', magnitude, 0, MAX_MAGNITUDE)
        self.magnitude_std = checks.number('magnitude_std', magnitude_std, 0)
        self.prob = checks.probability('prob', prob)
        if len(fill) != 3:
            raise ValueError(f'fill must be three numbers (R, G, B), got {fill!r}')
        self.fill = tuple(int(checks.number('fill', level, 0, 255)) for level in fill)

    def draw_change(self, name: str, random=np.random) -> list[Change]:
        """Draw magnitude, sign and interpolation of ``name``; no change for 'Identity'."""
        augmentation = AUGMENTATIONS[name]
        magnitude = random.normal(self.magnitude, self.magnitude_std)
        if augmentation is None:
            return []
        operation, argument, geometric = augmentation
        arguments = []
        if argument is not None:
            arguments.append(argument(min(max(magnitude, 0), MAX_MAGNITUDE)))
        if geometric:
            arguments[0] *= 1 if random.randint(2) else -1
            arguments += [bool(random.randint(2)), self.fill]  # bilinear or bicubic
        return [Change(operation, tuple(arguments))]

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the operations, which of them fire, and how."""
        changes = []
        for i in random.randint(len(self.ops), size=self.num_ops):
            if random.random_sample() < self.prob:
                changes += self.draw_change(self.ops[i], random)
        return changes

"""RandAugment (Cubuk et al. 2020) as data: a table of operations, a table of magnitudes.

To add an operation, add a row to ``OPERATIONS``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image

from infomin_plugin.registry import TRANSFORMS

from . import checks, pixels

MAX_MAGNITUDE = 10
_RESAMPLING = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def _affine(img: np.ndarray, matrix: tuple, fill: tuple) -> np.ndarray:
    """Sample (H, W, 3) at matrix (x, y, 1); what comes from outside the image is ``fill``.

    Pillow, not OpenCV: OpenCV rounds positions to 1/32 px and has another bicubic kernel.
    """
    image = Image.fromarray(img)
    resample = _RESAMPLING[np.random.randint(len(_RESAMPLING))]
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, matrix, resample,
                                      fillcolor=fill))


def _rotate(img: np.ndarray, degrees: float, fill: tuple) -> np.ndarray:
    """Turn counter-clockwise around the centre."""
    resample = _RESAMPLING[np.random.randint(len(_RESAMPLING))]
    return np.asarray(Image.fromarray(img).rotate(degrees, resample, fillcolor=fill))


def _shear_x(img: np.ndarray, slope: float, fill: tuple) -> np.ndarray:
    return _affine(img, (1, slope, 0, 0, 1, 0), fill)


def _shear_y(img: np.ndarray, slope: float, fill: tuple) -> np.ndarray:
    return _affine(img, (1, 0, 0, slope, 1, 0), fill)


def _translate_x(img: np.ndarray, share: float, fill: tuple) -> np.ndarray:
    return _affine(img, (1, 0, share * img.shape[1], 0, 1, 0), fill)


def _translate_y(img: np.ndarray, share: float, fill: tuple) -> np.ndarray:
    return _affine(img, (1, 0, 0, 0, 1, share * img.shape[0]), fill)


def _enhance_factor(magnitude: float) -> float:
    return magnitude / MAX_MAGNITUDE * 1.8 + 0.1


class Operation(NamedTuple):
    """A row: what is done, and with which argument at which magnitude."""

    apply: Callable
    # From a magnitude, 0 to 10, to the argument of ``apply``; None if it takes none.
    argument: Callable[[float], float] | None = None
    # Whether the argument's sign is flipped with probability 0.5.
    signed: bool = False
    # Whether ``apply`` moves pixels and takes a ``fill`` colour for what comes from outside.
    geometric: bool = False


OPERATIONS = {
    'Identity': Operation(lambda img: img),
    'AutoContrast': Operation(pixels.auto_contrast),
    'Equalize': Operation(pixels.equalize),
    'Invert': Operation(pixels.invert),
    'Rotate': Operation(_rotate, lambda m: m / MAX_MAGNITUDE * 30, signed=True, geometric=True),
    # Bits kept: the larger the magnitude, the weaker the operation, as in the authors' code.
    'Posterize': Operation(pixels.posterize, lambda m: int(m / MAX_MAGNITUDE * 4)),
    'Solarize': Operation(pixels.solarize, lambda m: int(m / MAX_MAGNITUDE * 256)),
    'SolarizeAdd': Operation(pixels.solarize_add, lambda m: int(m / MAX_MAGNITUDE * 110)),
    'Color': Operation(pixels.saturation, _enhance_factor),
    'Contrast': Operation(pixels.contrast, _enhance_factor),
    'Brightness': Operation(pixels.brightness, _enhance_factor),
    'Sharpness': Operation(pixels.sharpness, _enhance_factor),
    'ShearX': Operation(_shear_x, lambda m: m / MAX_MAGNITUDE * 0.3, signed=True, geometric=True),
    'ShearY': Operation(_shear_y, lambda m: m / MAX_MAGNITUDE * 0.3, signed=True, geometric=True),
    'TranslateX': Operation(
        _translate_x, lambda m: m / MAX_MAGNITUDE * 0.45, signed=True, geometric=True),
    'TranslateY': Operation(
        _translate_y, lambda m: m / MAX_MAGNITUDE * 0.45, signed=True, geometric=True),
}


@TRANSFORMS.register_module()
class RandAugment(BaseTransform):
    """Apply some operations drawn from a list, each with a random magnitude.

    ``num_ops`` operations are drawn with replacement; each fires with probability ``prob`` and a
    magnitude clip(N(magnitude, magnitude_std), 0, 10) of its own. Geometric operations draw
    bilinear or bicubic interpolation with equal probability.

    Required and modified key: img ((H, W, 3), uint8).

    Args:
        ops: Names of rows of ``OPERATIONS``.
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
        self.ops = [checks.one_of('ops', name, OPERATIONS) for name in ops]
        self.num_ops = checks.count('num_ops', num_ops)
        self.magnitude = checks.number('magnitude', magnitude, 0, MAX_MAGNITUDE)
        self.magnitude_std = checks.number('magnitude_std', magnitude_std, 0)
        self.prob = checks.probability('prob', prob)
        if len(fill) != 3:
            raise ValueError(f'fill must be three numbers (R, G, B), got {fill!r}')
        self.fill = tuple(int(checks.number('fill', level, 0, 255)) for level in fill)

    def apply(self, img: np.ndarray, name: str, magnitude: float) -> np.ndarray:
        """Do the operation ``name`` at ``magnitude`` on an image (H, W, 3), uint8."""
        operation = OPERATIONS[name]
        arguments = []
        if operation.argument is not None:
            value = operation.argument(magnitude)
            if operation.signed and np.random.rand() < 0.5:
                value = -value
            arguments.append(value)
        if operation.geometric:
            arguments.append(self.fill)
        return operation.apply(img, *arguments)

    def transform(self, results: dict) -> dict:
        """Augment ``results['img']``."""
        img = results['img']
        for i in np.random.randint(len(self.ops), size=self.num_ops):
            if np.random.rand() < self.prob:
                magnitude = np.random.normal(self.magnitude, self.magnitude_std)
                img = self.apply(img, self.ops[i], min(max(magnitude, 0), MAX_MAGNITUDE))
        results['img'] = img
        return results

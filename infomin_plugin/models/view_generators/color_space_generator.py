"""Fixed view generators: the channels of a colour space."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from infomin_plugin.color_spaces import (
    FROM_RGB,
    WHITE_D65,
    XYZ_FROM_LINEAR_RGB,
    YCBCR_FROM_RGB,
    YCBCR_OFFSET,
)
from infomin_plugin.registry import MODELS

from .base import DEFAULT_CHANNELS, ViewGenerator, as_images

# sRGB's transfer function (IEC 61966-2-1): linear below the knee, a power above.
SRGB_KNEE, SRGB_SLOPE, SRGB_OFFSET, SRGB_POWER = 0.04045, 12.92, 0.055, 2.4
# CIE 1976 L*a*b*: a cube root above the knee, below it the tangent.
LAB_KNEE = (6 / 29)**3
LAB_SLOPE = (29 / 6)**2 / 3
LAB_FROM_ROOTS = ((0.0, 116.0, 0.0), (500.0, -500.0, 0.0), (0.0, 200.0, -200.0))
LAB_OFFSET = (-16.0, 0.0, 0.0)


class Space(NamedTuple):
    """A colour space's three functions, on N×3×H×W images (the last gives N×1×H×W)."""
    forward: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]
    log_det: Callable[[Tensor], Tensor]


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


def _mixed(matrix: Tensor, images: Tensor) -> Tensor:
    return torch.einsum('ij,njhw->nihw', matrix.to(images), images)


def linear(rows: tuple, offset: tuple = (0.0, 0.0, 0.0)) -> Space:
    """Space of a 3×3 matrix, given by rows, and an offset."""
    matrix = torch.tensor(rows, dtype=torch.double)
    back, log_det = matrix.inverse(), matrix.det().abs().log().item()
    return Space(lambda images: _mixed(matrix, images) + _column(offset, images),
                 lambda z: _mixed(back, z - _column(offset, z)),
                 lambda images: torch.full_like(images[:, :1], log_det))


XYZ = linear(tuple(tuple(value / white for value in row)
                   for row, white in zip(XYZ_FROM_LINEAR_RGB, WHITE_D65, strict=True)))
LAB_ROOTS = linear(LAB_FROM_ROOTS, LAB_OFFSET)


def _to_linear_light(images: Tensor) -> Tensor:
    # clamped where the other branch is taken: no NaN in its gradient
    power = ((images.clamp(min=SRGB_KNEE) + SRGB_OFFSET) / (1 + SRGB_OFFSET))**SRGB_POWER
    return torch.where(images > SRGB_KNEE, power, images / SRGB_SLOPE)


def _from_linear_light(light: Tensor) -> Tensor:
    knee = SRGB_KNEE / SRGB_SLOPE
    power = light.clamp(min=knee)**(1 / SRGB_POWER) * (1 + SRGB_OFFSET) - SRGB_OFFSET
    return torch.where(light > knee, power, light * SRGB_SLOPE)


def lab_from_rgb(images: Tensor) -> Tensor:
    """CIE L*a*b* under D65: L in 0…100, a and b within ±128."""
    xyz = XYZ.forward(_to_linear_light(images))  # relative to white
    root = xyz.clamp(min=LAB_KNEE)**(1 / 3)
    return LAB_ROOTS.forward(torch.where(xyz > LAB_KNEE, root, LAB_SLOPE * xyz + 16 / 116))


def rgb_from_lab(z: Tensor) -> Tensor:
    """Undo :func:`lab_from_rgb`."""
    roots = LAB_ROOTS.inverse(z)
    xyz = torch.where(roots > LAB_KNEE**(1 / 3), roots**3, (roots - 16 / 116) / LAB_SLOPE)
    return _from_linear_light(XYZ.inverse(xyz))


def lab_log_det(images: Tensor) -> Tensor:
    """Sum of the logarithms of the chain's four factors."""
    light = _to_linear_light(images)
    power = ((images.clamp(min=SRGB_KNEE) + SRGB_OFFSET) / (1 + SRGB_OFFSET))**(SRGB_POWER - 1)
    slope = torch.where(images > SRGB_KNEE, power * SRGB_POWER / (1 + SRGB_OFFSET), 1 / SRGB_SLOPE)
    xyz = XYZ.forward(light)
    root_slope = torch.where(xyz > LAB_KNEE, xyz.clamp(min=LAB_KNEE)**(-2 / 3) / 3, LAB_SLOPE)
    varying = (slope.log() + root_slope.log()).sum(dim=1, keepdim=True)
    return varying + XYZ.log_det(images) + LAB_ROOTS.log_det(images)


def hsv_from_rgb(images: Tensor) -> Tensor:
    """Hue in turns [0, 1), saturation and value in [0, 1]; the hue of a grey is 0.

    Its gradient is that of the sector: finite everywhere, but the hue jumps from 1 to 0 at red.
    """
    red, green, blue = images.unbind(dim=1)
    high, low = images.amax(dim=1), images.amin(dim=1)
    chroma = high - low
    # divisors of greys and blacks: any, as the dividends are 0 and 0 is the convention
    divisor = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sector = torch.where(
        high == red, (green - blue) / divisor,
        torch.where(high == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor))
    saturation = chroma / torch.where(high > 0, high, torch.ones_like(high))
    return torch.stack([(sector / 6).remainder(1), saturation, high], dim=1)


def rgb_from_hsv(z: Tensor) -> Tensor:
    """Undo :func:`hsv_from_rgb`; hues are taken modulo 1."""
    hue, saturation, value = z.unbind(dim=1)
    # the pure hue: each channel a trapezium, a third of a turn apart
    pure = [((hue * 6 + shift) % 6 - 3).abs().sub(1).clamp(0, 1) for shift in (0, 4, 2)]
    return torch.stack([value * (1 - saturation * (1 - channel)) for channel in pure], dim=1)


def hsv_log_det(images: Tensor) -> Tensor:
    """-log(6 · value · chroma): infinite for greys, where the hue is not defined."""
    high, low = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    return -(6 * high * (high - low)).log()


SPACES = {
    'RGB': Space(lambda images: images, lambda z: z,
                 lambda images: torch.zeros_like(images[:, :1])),
    **{name: linear(rows) for name, rows in FROM_RGB.items()},
    'YCbCr': linear(YCBCR_FROM_RGB, YCBCR_OFFSET),
    'Lab': Space(lab_from_rgb, rgb_from_lab, lab_log_det),
    'HSV': Space(hsv_from_rgb, rgb_from_hsv, hsv_log_det),
}  # yapf: disable


@MODELS.register_module()
class ColorSpaceGenerator(ViewGenerator):
    """The raw views: channels of a colour space, in scikit-image's scales.

    With YDbDr's luminance against its chrominance these are the views of "Contrastive Multiview
    Coding" (Tian et al. 2020). Spaces differ in range (L of Lab reaches 100, Y of YCbCr 235):
    encoders need a norm on their input.

    Args:
        space (str): RGB, YDbDr, YIQ, YPbPr, YCbCr, Lab or HSV.
        channels (Sequence[Sequence[int]]): See :class:`ViewGenerator`.
        init_cfg (dict, optional): Not needed: nothing is learned.

    Raises:
        ValueError: If ``space`` or ``channels`` is none of these.
    """

    def __init__(self,
                 space: str,
                 channels: tuple = DEFAULT_CHANNELS,
                 init_cfg: dict | list | None = None) -> None:
        if space not in SPACES:
            raise ValueError(f'space must be one of {tuple(SPACES)}, got {space!r}')
        super().__init__(channels, dict(space=space), init_cfg)
        self.space = space

    def forward(self, images: Tensor) -> Tensor:
        """Convert N×3×H×W images; see :class:`ViewGenerator`."""
        return self._apply_in_full(SPACES[self.space].forward, images)

    def inverse(self, z: Tensor) -> Tensor:
        """Convert back; see :class:`ViewGenerator`."""
        return self._apply_in_full(SPACES[self.space].inverse, z)

    def log_det(self, images: Tensor) -> Tensor:
        """log|det| at each pixel, N×1×H×W nats; see :class:`ViewGenerator`."""
        return self._apply_in_full(SPACES[self.space].log_det, images)

    @staticmethod
    def _apply_in_full(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Compute in float32 or float64, whatever autocast says."""
        images = as_images(images)
        with torch.autocast(images.device.type, enabled=False):
            return function(images)

"""Learned view generators: flows of coupling layers, volume-preserving or not."""

import math

import torch
from torch import Tensor, nn

from infomin_plugin.color_spaces import FROM_RGB
from infomin_plugin.registry import MODELS

from .base import DEFAULT_CHANNELS, ViewGenerator, as_images

COUPLINGS = ('additive', 'affine')
MIXINGS = ('permute', 'rotate')
IN_SPACES = ('RGB', 'YDbDr')

# Irrational part of a turn: no two blocks of any depth see the colours from the same side.
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


class PixelLinear(nn.Linear):
    """A 1×1 convolution, on pixels as columns (channels × pixels).

    A plain matrix product, unlike a convolution, keeps full float32 precision on GPUs by default,
    and is three times as fast on CPUs at these few channels.
    """

    def forward(self, columns: Tensor) -> Tensor:
        """Map c×P to c'×P."""
        return torch.addmm(self.bias[:, None], self.weight, columns)


class Coupling(nn.Module):
    """Change some channels by a function of the others (Dinh et al. 2015, 2017).

    ``target · exp(s(condition)) + t(condition)``, with s = 0 in an additive coupling. Starts as
    the identity.

    Args:
        condition (int): How many channels go through unchanged, the first ones.
        hidden_channels (int): Width of the network that computes s and t.
        max_log_scale (float, optional): Bound of abs(s); None makes the coupling additive.
    """

    def __init__(self, condition: int, hidden_channels: int, max_log_scale: float | None) -> None:
        super().__init__()
        self.max_log_scale = max_log_scale
        targets = 3 - condition
        self.hidden = PixelLinear(condition, hidden_channels)
        self.out = PixelLinear(hidden_channels, targets if max_log_scale is None else 2 * targets)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, condition: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Change the target (k×P); returns it and log|det| of each pixel (P; None for 0)."""
        shift, log_scale = self.shift_and_log_scale(condition)
        if log_scale is None:
            return target + shift, None
        return target * log_scale.exp() + shift, log_scale.sum(dim=0)

    def inverse(self, condition: Tensor, target: Tensor) -> Tensor:
        """Undo :meth:`forward` on the target."""
        shift, log_scale = self.shift_and_log_scale(condition)
        restored = target - shift
        return restored if log_scale is None else restored * (-log_scale).exp()

    def shift_and_log_scale(self, condition: Tensor) -> tuple[Tensor, Tensor | None]:
        """t and s, each k×P."""
        out = self.out(self.hidden(condition).relu_())
        if self.max_log_scale is None:
            return out, None
        shift, raw = out.chunk(2)
        return shift, self.max_log_scale * raw.tanh()


class Block(nn.Module):
    """Two couplings, which change all three channels: 2 and 3 given 1, then 1 given these."""

    def __init__(self, hidden_channels: int, max_log_scale: float | None) -> None:
        super().__init__()
        self.rest = Coupling(1, hidden_channels, max_log_scale)
        self.first = Coupling(2, hidden_channels, max_log_scale)

    def forward(self, columns: Tensor) -> tuple[Tensor, Tensor | None]:
        """Map 3×P; returns it and log|det| of each pixel (P; None for 0)."""
        first, rest = columns[:1], columns[1:]
        rest, log_det_rest = self.rest(first, rest)
        first, log_det_first = self.first(rest, first)
        log_det = None if log_det_rest is None else log_det_rest + log_det_first
        return torch.cat([first, rest]), log_det

    def inverse(self, columns: Tensor) -> Tensor:
        """Undo :meth:`forward`."""
        first, rest = columns[:1], columns[1:]
        first = self.first.inverse(rest, first)
        rest = self.rest.inverse(first, rest)
        return torch.cat([first, rest])


@MODELS.register_module()
class FlowGenerator(ViewGenerator):
    """A flow of coupling blocks on the three values of each pixel.

    With additive couplings (NICE) it preserves volume, with affine ones (RealNVP) it does not
    (Tian et al. 2020, section 4.2). It starts as its input colour space, so that the learned
    views start as the raw ones. All its parts act on single pixels.

    Between the blocks colours are mixed by one fixed rotation about the axis (1, 1, 1), undone at
    the end: by a third of a turn, which is a cyclic permutation of the channels, or by the golden
    angle.

    The inverse restores images to about 1e-6 in float32, under autocast too; what limits it is how
    steep the map is, not how deep.

    Args:
        in_space (str): ``'RGB'`` or ``'YDbDr'``, the space in which the flow starts.
        coupling (str): ``'additive'`` or ``'affine'``.
        num_blocks (int): Number of blocks, at least 1.
        hidden_channels (int): Width of the couplings' networks, at least 1.
        mixing (str): ``'permute'`` or ``'rotate'``. Defaults to ``'permute'``.
        max_log_scale (float, optional): Bound of abs(log) of the scale that the affine couplings
            of all blocks together give a channel, above 0; log|det| stays within three times it.
            Needed for affine couplings, must be absent for additive ones.
        channels (Sequence[Sequence[int]]): See :class:`ViewGenerator`.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If an argument is outside its range.
    """

    def __init__(self,
                 in_space: str,
                 coupling: str,
                 num_blocks: int,
                 hidden_channels: int,
                 mixing: str = 'permute',
                 max_log_scale: float | None = None,
                 channels: tuple = DEFAULT_CHANNELS,
                 init_cfg: dict | list | None = None) -> None:
        for name, value, choices in (('in_space', in_space, IN_SPACES),
                                     ('coupling', coupling, COUPLINGS),
                                     ('mixing', mixing, MIXINGS)):
            if value not in choices:
                raise ValueError(f'{name} must be one of {choices}, got {value!r}')
        for name, value in (('num_blocks', num_blocks), ('hidden_channels', hidden_channels)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f'{name} must be an integer of at least 1, got {value!r}')
        if coupling == 'additive' and max_log_scale is not None:
            raise ValueError('max_log_scale must be absent for additive couplings, which have no '
                             f'scale, got {max_log_scale}')
        if coupling == 'affine' and not (max_log_scale and 0 < max_log_scale < math.inf):
            raise ValueError('max_log_scale must be a finite number above 0 for affine couplings, '
                             f'got {max_log_scale}')
        max_log_scale = max_log_scale and float(max_log_scale)  # 1 and 1.0 are the same settings
        super().__init__(
            channels,
            dict(in_space=in_space, coupling=coupling, num_blocks=num_blocks,
                 hidden_channels=hidden_channels, mixing=mixing, max_log_scale=max_log_scale),
            init_cfg)
        # the bound is shared out: otherwise it, and with it the float32 error of the inverse, would
        # grow exponentially with depth
        share = max_log_scale and max_log_scale / num_blocks
        self.blocks = nn.ModuleList(Block(hidden_channels, share) for _ in range(num_blocks))
        enter = torch.eye(3) if in_space == 'RGB' else torch.tensor(FROM_RGB[in_space])
        mix = _mixing(mixing, 1)
        for name, matrix in (('enter', enter), ('leave', enter.double().inverse()),
                             ('mix', mix), ('unmix', _mixing(mixing, 1 - num_blocks))):
            self.register_buffer(name, matrix.float(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map N×3×H×W images to z, N×3×H×W; see :class:`ViewGenerator`."""
        return self.forward_with_log_det(images)[0]

    def log_det(self, images: Tensor) -> Tensor:
        """log|det| of the flow alone, N×1×H×W nats: exactly 0 for additive couplings.

        The fixed matrix of ``in_space`` is left out: its log|det|, the same at all pixels, is 0
        for RGB and 0.51 for YDbDr.
        """
        return self.forward_with_log_det(images)[1]

    def forward_with_log_det(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """z (N×3×H×W) and log|det| (N×1×H×W) in one pass."""
        images = as_images(images)
        with torch.autocast(images.device.type, enabled=False):
            columns = self.enter.to(images) @ _to_columns(images)  # 3×P, P = N·H·W
            total = None
            for index, block in enumerate(self.blocks):
                if index:
                    columns = self.mix.to(columns) @ columns
                columns, log_det = block(columns)
                total = log_det if total is None else total + log_det
            z = self.unmix.to(columns) @ columns
        n, _, height, width = images.shape
        if total is None:
            total = images.new_zeros(n * height * width)
        return _to_images(z, images.shape), total.view(n, 1, height, width)

    def inverse(self, z: Tensor) -> Tensor:
        """Map z (N×3×H×W) back to images; see :class:`ViewGenerator`."""
        z = as_images(z)
        with torch.autocast(z.device.type, enabled=False):
            columns = self.unmix.T.to(z) @ _to_columns(z)  # the inverse of a rotation
            for index, block in reversed(list(enumerate(self.blocks))):
                columns = block.inverse(columns)
                if index:
                    columns = self.mix.T.to(columns) @ columns
            columns = self.leave.to(columns) @ columns
        return _to_images(columns, z.shape)


def _mixing(mixing: str, times: int) -> Tensor:
    """The mixing repeated some times, or undone: a 3×3 rotation about (1, 1, 1)."""
    if mixing == 'permute':
        return torch.eye(3).roll(times, dims=0)
    angle = GOLDEN_ANGLE * times
    shifts = (torch.eye(3, dtype=torch.double).roll(turn, dims=0) for turn in range(3))
    return sum((1 + 2 * math.cos(angle - turn * math.tau / 3)) / 3 * shift
               for turn, shift in enumerate(shifts))


def _to_columns(images: Tensor) -> Tensor:
    """N×3×H×W to 3×(N·H·W)."""
    return images.transpose(0, 1).reshape(3, -1)


def _to_images(columns: Tensor, shape: torch.Size) -> Tensor:
    """Undo :func:`_to_columns` for images of that shape."""
    n, channels, height, width = shape
    return columns.view(channels, n, height, width).transpose(0, 1).contiguous()

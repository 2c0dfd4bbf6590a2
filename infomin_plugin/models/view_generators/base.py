"""What every view generator is: an invertible map of each pixel, and a split of its channels."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from infomin_plugin.checkpoints import pack_settings, unpack_settings

DEFAULT_CHANNELS = ((0, ), (1, 2))


class ViewGenerator(BaseModule, metaclass=ABCMeta):
    """An invertible, pixel-wise map g of three channels, whose output is split into two views.

    "What Makes for Good Views for Contrastive Learning?" (Tian et al., NeurIPS 2020), section 4.2:
    being invertible, g keeps all the information of an image in the two views together; the split
    decides what they share.

    The settings travel with the weights, as a buffer of JSON text: a checkpoint that was made
    with others, whose weights mean something else, is refused.

    Args:
        channels (Sequence[Sequence[int]]): Output channels that make up view 1 and view 2: each
            of 0, 1, 2 once, one of them in the first view and two in the second. Defaults to
            ``((0,), (1, 2))``.
        settings (dict): What else the map depends on, for the check of checkpoints.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``channels`` is no such split.
    """

    def __init__(self,
                 channels: Sequence[Sequence[int]] = DEFAULT_CHANNELS,
                 settings: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.channels = _checked_split(channels)
        self.register_buffer('settings', pack_settings(
            dict(type=type(self).__name__, **(settings or {}), channels=self.channels)))

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Map images to all channels of both views.

        Args:
            images (Tensor): N×3×H×W, float32, RGB in [0, 1].

        Returns:
            Tensor: z, N×3×H×W.

        Raises:
            ValueError: If the images have not three channels.
        """

    @abstractmethod
    def inverse(self, z: Tensor) -> Tensor:
        """Map z (N×3×H×W) back to images (N×3×H×W, RGB in [0, 1])."""

    @abstractmethod
    def log_det(self, images: Tensor) -> Tensor:
        """Change of volume at each pixel of N×3×H×W images.

        Returns:
            Tensor: N×1×H×W, log|det| of each pixel's 3×3 Jacobian, in nats.
        """

    def views(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Both views of N×3×H×W images: N×1×H×W and N×2×H×W."""
        return self.split(self(images))

    def split(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Share the channels of z (N×3×H×W) out to view 1 (N×1×H×W) and view 2 (N×2×H×W)."""
        first, second = (torch.stack([z[:, channel] for channel in view], dim=1)
                         for view in self.channels)
        return first, second

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(f'{prefix}settings')
        if saved is not None and not torch.equal(saved.cpu(), self.settings.cpu()):
            theirs, ours = unpack_settings(saved), unpack_settings(self.settings)
            raise ValueError(f'the view generator of the checkpoint is {theirs}, the one of the '
                             f'config {ours}: set the same')
        super()._load_from_state_dict(state_dict, prefix, *args)


def as_images(images: Tensor) -> Tensor:
    """Return N×3×H×W images in float32 or float64.

    Half precision would break the inverse.

    Raises:
        ValueError: If they have another shape.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f'a view generator takes N×3×H×W images, got {tuple(images.shape)}')
    return images if images.dtype == torch.float64 else images.float()


def _checked_split(channels: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    try:
        split = tuple(tuple(view) for view in channels)
        is_split = [len(view) for view in split] == [1, 2] and sorted(sum(split, ())) == [0, 1, 2]
    except TypeError:
        is_split = False
    if not is_split:
        raise ValueError('channels must be a split of the channels 0, 1, 2 into one and two, such '
                         f'as {DEFAULT_CHANNELS}, got {channels!r}')
    return split

"""Encoders of a clip and of a single frame (Tian et al. 2020, section 4.1)."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from infomin_plugin.registry import MODELS

from .unit_vectors import unit_vectors


class FrameTrunk(BaseModule):
    """A few convolutions of stride 2, each with batch norm and ReLU, and one linear layer.

    The layer sees the whole map, which tells where things are, and each channel's maximum over it,
    which tells what is there wherever it is: without the latter, contrast never began to tell
    digits apart in thousands of steps (docs/results/sweet_spot.md).

    Args:
        in_channels (int): Of the frames. Defaults to 3.
        channels (Sequence[int]): Of each convolution. Defaults to the paper's (8, 16, 32, 64).
        out_channels (int): Of the result. Defaults to 64.
        frame_size (int): Side of the frames, px. Defaults to 64.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``channels`` is empty.
    """

    def __init__(self,
                 in_channels: int = 3,
                 channels: Sequence[int] = (8, 16, 32, 64),
                 out_channels: int = 64,
                 frame_size: int = 64,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        if not channels:
            raise ValueError('channels must name one convolution at least, got none')
        layers = []
        for width in channels:
            layers += [nn.Conv2d(in_channels, width, 3, stride=2, padding=1, bias=False),
                       nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            in_channels, frame_size = width, (frame_size + 1) // 2
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(in_channels * (frame_size**2 + 1), out_channels)

    def forward(self, frames: Tensor) -> Tensor:
        """Encode frames (N×c×S×S) as N×F."""
        maps = self.layers(frames)  # N×c'×s×s
        return self.fc(torch.cat([maps.flatten(1), maps.amax(dim=(2, 3))], dim=1))


class ClipTrunk(BaseModule):
    """A :class:`FrameTrunk` on every frame and an LSTM over their codes.

    Args:
        out_channels (int): Of the frames' codes and of the LSTM's state. Defaults to 64.
        init_cfg (dict, optional): Initialisation config.
        **frames: Further arguments of :class:`FrameTrunk`.
    """

    def __init__(self, out_channels: int = 64, init_cfg: dict | list | None = None,
                 **frames) -> None:
        super().__init__(init_cfg)
        self.frames = FrameTrunk(out_channels=out_channels, **frames)
        self.lstm = nn.LSTM(out_channels, out_channels, batch_first=True)

    def forward(self, clips: Tensor) -> Tensor:
        """Encode clips (N×T×c×S×S) as the LSTM's state after the last frame, N×F.

        Raises:
            ValueError: If the clips have not five dimensions.
        """
        if clips.ndim != 5:
            raise ValueError(f'clips must be N×T×C×H×W, got the shape {tuple(clips.shape)}')
        codes = self.frames(clips.flatten(0, 1))  # (N·T)×F
        _, (state, _) = self.lstm(codes.unflatten(0, clips.shape[:2]))  # 1×N×F
        return state[-1]


@MODELS.register_module()
class SequenceFrameEncoder(BaseModule):
    """f1 of a clip and f2 of a single frame, which share no weights; Tian et al. 2020, section 4.1.

    Has the interface of :class:`TwoViewEncoder`. f1 is a :class:`FrameTrunk` on every frame, an
    LSTM and a linear projection; f2 is a trunk and a projection. Projections end in batch norm
    without weights: embeddings cannot all become the same.

    Args:
        feature_channels (int): F, of both trunks and of the LSTM. Defaults to 64.
        embed_channels (int): C, of the embeddings. Defaults to 64.
        in_channels (int): Of the frames. Defaults to 3.
        channels (Sequence[int]): Of each convolution. Defaults to (8, 16, 32, 64).
        frame_size (int): Side of the frames, px. Defaults to 64.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``channels`` is empty.
    """

    def __init__(self,
                 feature_channels: int = 64,
                 embed_channels: int = 64,
                 in_channels: int = 3,
                 channels: Sequence[int] = (8, 16, 32, 64),
                 frame_size: int = 64,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        trunk = dict(in_channels=in_channels, channels=channels, out_channels=feature_channels,
                     frame_size=frame_size)
        self.trunk1 = ClipTrunk(**trunk)
        self.trunk2 = FrameTrunk(**trunk)
        self.projection1, self.projection2 = (
            nn.Sequential(nn.Linear(feature_channels, embed_channels, bias=False),
                          nn.BatchNorm1d(embed_channels, affine=False)) for _ in range(2))

    def forward(self, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Embed clips (N×T×c×S×S) and frames (N×c×S×S): unit vectors, each N×C.

        Raises:
            ValueError: If the first view is no clip.
        """
        clips, frames = views
        return (unit_vectors(self.projection1(self.trunk1(clips))),
                unit_vectors(self.projection2(self.trunk2(frames))))

    def features(self, views: Sequence[Tensor]) -> Tensor:
        """What read-outs see: the LSTM's last state of the clips ``views[0]``, N×F.

        The frames need not be there: ``features([clips])``.

        Raises:
            ValueError: If the first view is no clip.
        """
        return self.trunk1(views[0])

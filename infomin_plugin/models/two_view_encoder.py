"""Networks for two views: with a part for each, or one that both share."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from infomin_plugin.registry import MODELS

from .unit_vectors import unit_vectors
from .view_norms import VIEW_CHANNELS, ViewNorms, Views


class ViewEncoder(BaseModule):
    """A trunk and a neck for one view.

    Args:
        backbone (dict): Trunk; gives a tuple of feature maps.
        neck (dict): Projects the last one to an N×C embedding.
    """

    def __init__(self, backbone: dict, neck: dict) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)

    def forward(self, view: Tensor) -> Tensor:
        """Embed a view (N×c×H×W) as unit vectors (N×C)."""
        return unit_vectors(self.neck(self.backbone(view)[-1:])[0])

    def features(self, view: Tensor) -> Tensor:
        """Global average of the trunk's last feature map, N×F."""
        return self.backbone(view)[-1].mean(dim=(2, 3))


@MODELS.register_module()
class TwoViewEncoder(BaseModule):
    """f1 and f2 of Tian et al. 2020, section 3: an encoder for each view.

    Args:
        encoder1 (dict): ``dict(backbone=..., neck=...)`` of view 1.
        encoder2 (dict): Likewise of view 2.
        view_norm (bool | dict): How views are normalised before they are encoded, see
            :class:`ViewNorms`: by their batch (True), by fixed statistics (``dict(mean=...,
            std=...)``), or not. Defaults to False.
        view_channels (Sequence[int]): Channels of view 1 and view 2, c1 and c2. Defaults to (1, 2),
            those of a :class:`ViewGenerator`; a :class:`FrequencySplit` makes (3, 3).
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self, encoder1: dict, encoder2: dict, view_norm: bool | dict = False,
                 view_channels: Sequence[int] = VIEW_CHANNELS,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.view_norms = ViewNorms(view_norm, view_channels)
        self.encoder1 = ViewEncoder(**encoder1)
        self.encoder2 = ViewEncoder(**encoder2)

    def forward(self, views: Views) -> tuple[Tensor, Tensor]:
        """Embed view 1 (N×c1×H×W) and view 2 (N×c2×H×W): unit vectors, each N×C."""
        first, second = self.view_norms(views)
        return self.encoder1(first), self.encoder2(second)

    def features(self, views: Views) -> Tensor:
        """Averaged feature maps of both trunks, side by side: N×(F1+F2)."""
        first, second = self.view_norms(views)
        return torch.cat([self.encoder1.features(first), self.encoder2.features(second)], dim=1)


@MODELS.register_module()
class SharedEncoder(BaseModule):
    """One encoder for both views, where they are alike: two crops, two patches.

    Args:
        backbone (dict): Trunk; gives a tuple of feature maps.
        neck (dict): Projects the last one to an N×C embedding.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self, backbone: dict, neck: dict, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.encoder = ViewEncoder(backbone, neck)

    def forward(self, views: Views) -> tuple[Tensor, Tensor]:
        """Embed two views (each N×3×H×W), in one pass: unit vectors, each N×C."""
        first, second = self.encoder(torch.cat(list(views))).chunk(2)
        return first, second

    def features(self, views: Views) -> Tensor:
        """Averaged feature map of the first view, N×F."""
        return self.encoder.features(views[0])


@MODELS.register_module()
class TwoViewClassifier(BaseModule):
    """A classifier on each view (Tian et al. 2020, section 3.3).

    Args:
        backbone1 (dict): Trunk of view 1.
        backbone2 (dict): Trunk of view 2.
        in_channels (int): Channels of either trunk's last feature map.
        num_classes (int): Number of classes, at least 2.
        view_norm (bool | dict): See :class:`TwoViewEncoder`. Defaults to False.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If there are fewer than two classes.
    """

    def __init__(self, backbone1: dict, backbone2: dict, in_channels: int, num_classes: int,
                 view_norm: bool | dict = False, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        if num_classes is None or num_classes < 2:
            raise ValueError(f'num_classes must be at least 2, got {num_classes}')
        self.view_norms = ViewNorms(view_norm)
        self.backbone1 = MODELS.build(backbone1)
        self.backbone2 = MODELS.build(backbone2)
        self.fc1 = nn.Linear(in_channels, num_classes)
        self.fc2 = nn.Linear(in_channels, num_classes)

    def forward(self, views: Views) -> tuple[Tensor, Tensor]:
        """Logits of view 1 (N×1×H×W) and of view 2 (N×2×H×W), each N×classes."""
        first, second = self.view_norms(views)
        return (self.fc1(self.backbone1(first)[-1].mean(dim=(2, 3))),
                self.fc2(self.backbone2(second)[-1].mean(dim=(2, 3))))

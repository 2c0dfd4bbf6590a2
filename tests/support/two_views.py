"""Small networks for two views, one pixel wide if wanted."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from infomin_plugin.registry import MODELS


@MODELS.register_module(force=True)
class TestTrunk(BaseModule):
    """Two 1×1 convolutions; gives a tuple of one feature map, 8 channels."""

    __test__ = False

    def __init__(self, in_channels: int, hidden: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 8, 1), nn.ReLU())

    def forward(self, view: Tensor) -> tuple[Tensor]:
        return (self.layers(view), )


def encoders(hidden: int = 8, **options) -> dict:
    """The config of a TwoViewEncoder of 4 channels."""
    neck = dict(type='mmselfsup.LinearNeck', in_channels=8, out_channels=4)
    return dict(
        type='TwoViewEncoder',
        encoder1=dict(backbone=dict(type='TestTrunk', in_channels=1, hidden=hidden), neck=neck),
        encoder2=dict(backbone=dict(type='TestTrunk', in_channels=2, hidden=hidden), neck=neck),
        **options)


def classifiers(num_classes: int = 2, hidden: int = 8, **options) -> dict:
    """The config of a TwoViewClassifier."""
    return dict(
        type='TwoViewClassifier',
        backbone1=dict(type='TestTrunk', in_channels=1, hidden=hidden),
        backbone2=dict(type='TestTrunk', in_channels=2, hidden=hidden),
        in_channels=8, num_classes=num_classes, **options)


def flow(coupling: str = 'additive', **options) -> dict:
    """The config of a small flow on RGB."""
    scale = dict(max_log_scale=1.0) if coupling == 'affine' else {}
    return dict(type='FlowGenerator', in_space='RGB', coupling=coupling, num_blocks=2,
                hidden_channels=8, **scale, **options)

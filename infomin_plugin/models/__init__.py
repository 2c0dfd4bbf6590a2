"""Models, backbones, necks, heads, memories and view generators."""

from .backbones import TwoViewBackbone, TwoViewResLayer
from .cross_view_contrast import CrossViewContrast
from .data_preprocessor import ViewDataPreprocessor
from .heads import ContrastiveHead
from .infomin import InfoMin
from .memories import KeyBank, KeyQueue
from .momentum_encoder import MomentumEncoder
from .necks import JigsawNeck
from .res_layer_extra_norm import ResLayerExtraNorm
from .two_view_encoder import TwoViewClassifier, TwoViewEncoder
from .view_generators import ColorSpaceGenerator, FlowGenerator
from .view_learning import ViewLearning

__all__ = [
    'ColorSpaceGenerator', 'ContrastiveHead', 'CrossViewContrast', 'FlowGenerator', 'InfoMin',
    'JigsawNeck', 'KeyBank', 'KeyQueue', 'MomentumEncoder', 'ResLayerExtraNorm',
    'TwoViewBackbone', 'TwoViewClassifier', 'TwoViewEncoder', 'TwoViewResLayer',
    'ViewDataPreprocessor', 'ViewLearning'
]

"""Models, backbones, necks, heads, memories and view generators."""

from .backbones import TwoViewBackbone, TwoViewResLayer
from .cross_view_contrast import CrossViewContrast
from .data_preprocessor import ViewDataPreprocessor
from .frame_encoders import SequenceFrameEncoder
from .heads import ContrastiveHead
from .image_classifier import CachedClassifier, ClassifierDataPreprocessor
from .infomin import InfoMin
from .memories import KeyBank, KeyQueue
from .momentum_encoder import MomentumEncoder
from .necks import JigsawNeck
from .res_layer_extra_norm import ResLayerExtraNorm
from .supervised_factor import SupervisedFactor
from .trunk_features import TrunkFeatures
from .two_view_encoder import SharedEncoder, TwoViewClassifier, TwoViewEncoder
from .view_generators import ColorSpaceGenerator, FlowGenerator, FrequencySplit
from .view_learning import ViewLearning

__all__ = [
    'CachedClassifier', 'ClassifierDataPreprocessor',
    'ColorSpaceGenerator', 'ContrastiveHead', 'CrossViewContrast', 'FlowGenerator',
    'FrequencySplit', 'InfoMin', 'JigsawNeck', 'KeyBank', 'KeyQueue', 'MomentumEncoder',
    'ResLayerExtraNorm', 'SequenceFrameEncoder', 'SharedEncoder', 'SupervisedFactor',
    'TrunkFeatures', 'TwoViewBackbone', 'TwoViewClassifier', 'TwoViewEncoder', 'TwoViewResLayer',
    'ViewDataPreprocessor', 'ViewLearning'
]

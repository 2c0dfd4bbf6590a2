"""Models, necks, heads and memories."""

from .data_preprocessor import ViewDataPreprocessor
from .heads import ContrastiveHead
from .infomin import InfoMin
from .memories import KeyQueue
from .momentum_encoder import MomentumEncoder
from .necks import JigsawNeck
from .res_layer_extra_norm import ResLayerExtraNorm

__all__ = ['ContrastiveHead', 'InfoMin', 'JigsawNeck', 'KeyQueue', 'MomentumEncoder',
           'ResLayerExtraNorm', 'ViewDataPreprocessor']

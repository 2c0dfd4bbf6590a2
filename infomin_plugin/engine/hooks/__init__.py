"""What happens during training and is not the method."""

from .knn import KNNHook
from .precise_bn import PreciseBNHook

__all__ = ['KNNHook', 'PreciseBNHook']

"""What happens during training and is not the method."""

from .knn import KNNHook
from .precise_bn import PreciseBNHook
from .preflight import PreflightHook

__all__ = ['KNNHook', 'PreciseBNHook', 'PreflightHook']

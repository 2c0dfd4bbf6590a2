"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .knn import KNNHook
from .precise_bn import PreciseBNHook
from .step_seed import StepSeedHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'KNNHook', 'PreciseBNHook', 'StepSeedHook',
           'ViewPicturesHook']

"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .deferred_log import DeferredLogHook
from .knn import KNNHook
from .optimizer_step import OptimizerStepHook
from .precise_bn import PreciseBNHook
from .step_seed import StepSeedHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'DeferredLogHook', 'KNNHook', 'OptimizerStepHook', 'PreciseBNHook',
           'StepSeedHook', 'ViewPicturesHook']

"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .deferred_log import DeferredLogHook
from .durable_checkpoint import DurableCheckpointHook
from .knn import KNNHook
from .optimizer_step import OptimizerStepHook
from .precise_bn import PreciseBNHook
from .preemption import PreemptionHook
from .resume_guard import ResumeGuardHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'DeferredLogHook', 'DurableCheckpointHook', 'KNNHook',
           'OptimizerStepHook', 'PreciseBNHook', 'PreemptionHook', 'ResumeGuardHook',
           'ViewPicturesHook']

"""What happens during training and is not the method."""

from .cached_trunk import CachedTrunkHook
from .durable_checkpoint import DurableCheckpointHook
from .knn import KNNHook
from .precise_bn import PreciseBNHook
from .preemption import PreemptionHook
from .resume_guard import ResumeGuardHook
from .view_pictures import ViewPicturesHook

__all__ = ['CachedTrunkHook', 'DurableCheckpointHook', 'KNNHook', 'PreciseBNHook',
           'PreemptionHook', 'ResumeGuardHook', 'ViewPicturesHook']

"""Runner, hooks and what resolves a config."""

from .hooks import (
    CachedTrunkHook,
    DurableCheckpointHook,
    KNNHook,
    PreciseBNHook,
    PreemptionHook,
    ResumeGuardHook,
    ViewPicturesHook,
)
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['CachedTrunkHook', 'DurableCheckpointHook', 'InfoMinRunner', 'KNNHook',
           'PlayerOptimWrapperConstructor', 'PreciseBNHook', 'PreemptionHook', 'ResumeGuardHook',
           'ViewPicturesHook']

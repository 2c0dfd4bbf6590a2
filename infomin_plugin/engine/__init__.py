"""Runner, hooks and what resolves a config."""

from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .hooks import (
    CachedTrunkHook,
    DeferredLogHook,
    DurableCheckpointHook,
    KNNHook,
    OptimizerStepHook,
    PreciseBNHook,
    PreemptionHook,
    ResumeGuardHook,
    ViewPicturesHook,
)
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['BFloat16OptimWrapper', 'CachedTrunkHook', 'DeferredLogHook', 'DurableCheckpointHook',
           'InfoMinRunner', 'KNNHook', 'OptimizerStepHook', 'PlayerOptimWrapperConstructor',
           'PreciseBNHook', 'PreemptionHook', 'ResumeGuardHook', 'ViewPicturesHook']

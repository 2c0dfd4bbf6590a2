"""Runner, hooks and what resolves a config."""

from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .hooks import (
    CachedTrunkHook,
    DeferredLogHook,
    KNNHook,
    OptimizerStepHook,
    PreciseBNHook,
    StepSeedHook,
    ViewPicturesHook,
)
from .loops import ResumableEpochLoop, ResumableIterLoop
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['BFloat16OptimWrapper', 'CachedTrunkHook', 'DeferredLogHook', 'InfoMinRunner', 'KNNHook',
           'OptimizerStepHook', 'PlayerOptimWrapperConstructor', 'PreciseBNHook',
           'ResumableEpochLoop', 'ResumableIterLoop', 'StepSeedHook', 'ViewPicturesHook']

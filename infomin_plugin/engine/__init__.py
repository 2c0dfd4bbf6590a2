"""Runner, hooks and what resolves a config."""

from .fault_messages import TrainingFault
from .hooks import (
    CachedTrunkHook,
    CollapseWatchHook,
    FiniteLossHook,
    KNNHook,
    PreciseBNHook,
    StartChecksHook,
    TolerantLoggerHook,
    TrainingDataHook,
    ViewPicturesHook,
)
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['CachedTrunkHook', 'CollapseWatchHook', 'FiniteLossHook', 'InfoMinRunner', 'KNNHook',
           'PlayerOptimWrapperConstructor', 'PreciseBNHook', 'StartChecksHook',
           'TolerantLoggerHook', 'TrainingDataHook', 'TrainingFault', 'ViewPicturesHook']

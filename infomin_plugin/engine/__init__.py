"""Runner, hooks and what resolves a config."""

from .bfloat16_optim_wrapper import BFloat16OptimWrapper
from .fault_messages import TrainingFault
from .hooks import (
    CachedTrunkHook,
    CollapseWatchHook,
    DeferredLogHook,
    DurableCheckpointHook,
    FiniteLossHook,
    KNNHook,
    OptimizerStepHook,
    PreciseBNHook,
    PreemptionHook,
    ResumeGuardHook,
    StartChecksHook,
    StepSeedHook,
    TolerantLoggerHook,
    TrainingDataHook,
    ViewPicturesHook,
)
from .loops import ResumableEpochLoop, ResumableIterLoop
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['BFloat16OptimWrapper', 'CachedTrunkHook', 'CollapseWatchHook', 'DeferredLogHook',
           'DurableCheckpointHook', 'FiniteLossHook', 'InfoMinRunner', 'KNNHook',
           'OptimizerStepHook', 'PlayerOptimWrapperConstructor', 'PreciseBNHook', 'PreemptionHook',
           'ResumableEpochLoop', 'ResumableIterLoop', 'ResumeGuardHook', 'StartChecksHook',
           'StepSeedHook', 'TolerantLoggerHook', 'TrainingDataHook', 'TrainingFault',
           'ViewPicturesHook']

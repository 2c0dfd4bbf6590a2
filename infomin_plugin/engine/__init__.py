"""Runner, hooks and what resolves a config."""

from .faults.fault_messages import TrainingFault
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
from .optim_wrappers import BFloat16OptimWrapper, PlayerOptimWrapperConstructor
from .runner import InfoMinRunner
from .runner.loops import ResumableEpochLoop, ResumableIterLoop

__all__ = ['BFloat16OptimWrapper', 'CachedTrunkHook', 'CollapseWatchHook', 'DeferredLogHook',
           'DurableCheckpointHook', 'FiniteLossHook', 'InfoMinRunner', 'KNNHook',
           'OptimizerStepHook', 'PlayerOptimWrapperConstructor', 'PreciseBNHook', 'PreemptionHook',
           'ResumableEpochLoop', 'ResumableIterLoop', 'ResumeGuardHook', 'StartChecksHook',
           'StepSeedHook', 'TolerantLoggerHook', 'TrainingDataHook', 'TrainingFault',
           'ViewPicturesHook']

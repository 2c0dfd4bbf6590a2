"""Runner, hooks and what resolves a config."""

from .hooks import CachedTrunkHook, KNNHook, PreciseBNHook, StepSeedHook, ViewPicturesHook
from .loops import ResumableEpochLoop, ResumableIterLoop
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['CachedTrunkHook', 'InfoMinRunner', 'KNNHook', 'PlayerOptimWrapperConstructor',
           'PreciseBNHook', 'ResumableEpochLoop', 'ResumableIterLoop', 'StepSeedHook',
           'ViewPicturesHook']

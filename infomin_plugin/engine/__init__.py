"""Runner, hooks and what resolves a config."""

from .hooks import KNNHook, PreciseBNHook, ViewPicturesHook
from .player_optim_wrappers import PlayerOptimWrapperConstructor
from .runner import InfoMinRunner

__all__ = ['InfoMinRunner', 'KNNHook', 'PlayerOptimWrapperConstructor', 'PreciseBNHook',
           'ViewPicturesHook']

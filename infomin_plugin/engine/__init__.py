"""Runner, hooks and what resolves a config."""

from .hooks import KNNHook, PreciseBNHook
from .runner import InfoMinRunner

__all__ = ['InfoMinRunner', 'KNNHook', 'PreciseBNHook']

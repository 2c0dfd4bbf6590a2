"""Runner, hooks and what resolves a config."""

from .hooks import KNNHook, PreciseBNHook, PreflightHook
from .runner import InfoMinRunner

__all__ = ['InfoMinRunner', 'KNNHook', 'PreciseBNHook', 'PreflightHook']

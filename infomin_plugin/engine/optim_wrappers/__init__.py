"""Optimiser wrappers: bfloat16, and one for each player of view learning."""

from .bfloat16 import BFloat16OptimWrapper
from .player import PlayerOptimWrapperConstructor

__all__ = ['BFloat16OptimWrapper', 'PlayerOptimWrapperConstructor']

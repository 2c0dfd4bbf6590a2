"""The runner of every config, in layers: hooks, faults, durability, steps."""

from .infomin_runner import InfoMinRunner

__all__ = ['InfoMinRunner']

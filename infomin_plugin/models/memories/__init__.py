"""Memories of negative keys."""

from .build import build_memory
from .key_bank import KeyBank
from .key_queue import KeyQueue

__all__ = ['KeyBank', 'KeyQueue', 'build_memory']

"""Memories of negative keys."""

from .key_bank import KeyBank
from .key_queue import KeyQueue

__all__ = ['KeyBank', 'KeyQueue']

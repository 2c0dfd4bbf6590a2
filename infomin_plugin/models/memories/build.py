"""What a method accepts as its memory."""

from copy import deepcopy

from infomin_plugin.registry import MODELS

from .key_bank import KeyBank
from .key_queue import KeyQueue


def build_memory(cfg: dict) -> KeyBank | KeyQueue:
    """Build a memory of negative keys.

    Args:
        cfg (dict): Of a :class:`KeyQueue` or a :class:`KeyBank`.

    Raises:
        TypeError: If it is neither.
    """
    memory = MODELS.build(deepcopy(cfg))
    if not isinstance(memory, KeyQueue | KeyBank):
        raise TypeError('memory must be a KeyQueue or a KeyBank, got '
                        f'{type(memory).__name__}')
    return memory

"""Generator of a small scene set, made without any download."""

from .make import MiniSet, make_mini
from .options import MiniOptions

__all__ = ['MiniOptions', 'MiniSet', 'make_mini']

"""Where samples come from, and how images become views."""

from . import transforms
from .image_folder import ImageFolder

__all__ = ['ImageFolder', 'transforms']

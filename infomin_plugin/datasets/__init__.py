"""Where samples come from, and how images become views."""

from . import transforms
from .colorful_moving_mnist import ColorfulMovingMNIST
from .image_folder import ImageFolder
from .stl10 import STL10

__all__ = ['STL10', 'ColorfulMovingMNIST', 'ImageFolder', 'transforms']

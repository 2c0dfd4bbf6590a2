"""Where samples come from, and how images become views."""

from . import transforms
from .cached_features import CachedFeatures
from .colorful_moving_mnist import ColorfulMovingMNIST
from .image_folder import ImageFolder
from .labelled_share import LabelledShare
from .stl10 import STL10

__all__ = ['STL10', 'CachedFeatures', 'ColorfulMovingMNIST', 'ImageFolder', 'LabelledShare',
           'transforms']

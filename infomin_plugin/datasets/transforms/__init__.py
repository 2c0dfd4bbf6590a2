"""How an image becomes views: decoding, geometry, photometry, RandAugment, packing."""

from .batched.recipe import BatchedRecipe
from .blur import GaussianBlur
from .geometry import (
    CenterCrop,
    CenterResizedCrop,
    JigsawPatches,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
)
from .loading import ImageError, LoadImage
from .photometry import ColorJitter, ColorSpace, RandomGrayscale
from .rand_augment import RandAugment
from .views import MultiView, PackViews, RandomApply, build_recipe

__all__ = [
    'BatchedRecipe', 'CenterCrop', 'CenterResizedCrop', 'ColorJitter', 'ColorSpace', 'GaussianBlur',
    'ImageError', 'JigsawPatches', 'LoadImage', 'MultiView', 'PackViews', 'RandAugment',
    'RandomApply', 'RandomCrop', 'RandomFlip', 'RandomGrayscale', 'RandomResizedCrop',
    'build_recipe'
]

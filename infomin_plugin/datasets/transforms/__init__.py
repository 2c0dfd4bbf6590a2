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
from .patch_pair import PatchPair
from .photometry import ColorJitter, ColorSpace, RandomGrayscale
from .rand_augment import RandAugment
from .seeded import Seeded
from .views import MultiView, PackViews, RandomApply, build_recipe

__all__ = [
    'BatchedRecipe', 'CenterCrop', 'CenterResizedCrop', 'ColorJitter', 'ColorSpace', 'GaussianBlur',
    'ImageError', 'JigsawPatches', 'LoadImage', 'MultiView', 'PackViews', 'PatchPair',
    'RandAugment', 'RandomApply', 'RandomCrop', 'RandomFlip', 'RandomGrayscale',
    'RandomResizedCrop', 'Seeded', 'build_recipe'
]

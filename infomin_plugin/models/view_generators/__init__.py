"""View generators: images to two views by an invertible map of each pixel."""

from .base import ViewGenerator
from .color_space_generator import ColorSpaceGenerator
from .flow_generator import FlowGenerator

__all__ = ['ColorSpaceGenerator', 'FlowGenerator', 'ViewGenerator']

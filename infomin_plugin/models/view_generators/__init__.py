"""View generators: images to two views, by an invertible map of each pixel or by frequency."""

from .base import ViewGenerator
from .color_space_generator import ColorSpaceGenerator
from .flow_generator import FlowGenerator
from .frequency_split import FrequencySplit

__all__ = ['ColorSpaceGenerator', 'FlowGenerator', 'FrequencySplit', 'ViewGenerator']

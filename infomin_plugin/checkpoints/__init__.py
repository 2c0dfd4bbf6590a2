"""One reader for every origin of a ResNet trunk's weights, or of two, one writer."""

from .files import CheckpointError, read_file, read_training, write_backbone
from .origins import ORIGINS, Origin, Place, read_trunk
from .resnet import Architecture
from .trunk import LoadReport, Trunk, compare, find_architecture
from .two_view import pack_settings, unpack_settings

__all__ = [
    'ORIGINS', 'Architecture', 'CheckpointError', 'LoadReport', 'Origin', 'Place', 'Trunk',
    'compare', 'find_architecture', 'pack_settings', 'read_file', 'read_training', 'read_trunk',
    'unpack_settings', 'write_backbone'
]

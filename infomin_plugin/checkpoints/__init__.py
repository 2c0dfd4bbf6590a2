"""One reader for every origin of a ResNet trunk's weights, one writer."""

from .files import CheckpointError, read_file, write_backbone
from .origins import ORIGINS, Origin, Place, read_trunk
from .trunk import Architecture, LoadReport, Trunk, compare, find_architecture

__all__ = [
    'ORIGINS', 'Architecture', 'CheckpointError', 'LoadReport', 'Origin', 'Place', 'Trunk',
    'compare', 'find_architecture', 'read_file', 'read_trunk', 'write_backbone'
]

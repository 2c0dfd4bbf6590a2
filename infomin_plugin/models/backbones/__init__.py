"""Backbones of detectors."""

from .two_view_backbone import TwoViewBackbone
from .two_view_res_layer import TwoViewResLayer

__all__ = ['TwoViewBackbone', 'TwoViewResLayer']

"""Necks: feature maps to embeddings."""

from .jigsaw_neck import JigsawNeck

__all__ = ['JigsawNeck']

"""Colorful Moving-MNIST: digits that move over photographs, drawn on the fly."""

from .dataset import FACTORS, ColorfulMovingMNIST

__all__ = ['FACTORS', 'ColorfulMovingMNIST']

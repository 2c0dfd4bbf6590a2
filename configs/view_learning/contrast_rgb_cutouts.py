"""Features of the raw RGB channels, 1 | 2, on folders."""
_base_ = '../_base_/view_learning/contrast_folders.py'

model = dict(generator=dict(type='ColorSpaceGenerator', space='RGB'))

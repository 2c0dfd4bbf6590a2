"""Features of the raw YDbDr channels, 1 | 2, on STL-10."""
_base_ = '../_base_/view_learning/contrast.py'

model = dict(generator=dict(type='ColorSpaceGenerator', space='YDbDr'))

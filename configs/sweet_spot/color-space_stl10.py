"""Which colour space is split into one channel and two, on STL-10."""
_base_ = ['../view_learning/contrast_ydbdr_stl10.py', '../_base_/sweet_spot/held_out.py']

sweep = dict(
    keys=['model.generator.space'],
    values=['RGB', 'YDbDr', 'YIQ', 'YPbPr', 'YCbCr', 'Lab', 'HSV'],
    label='colour space')

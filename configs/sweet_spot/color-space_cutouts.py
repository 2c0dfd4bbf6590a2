"""Which colour space is split into one channel and two, on folders."""
_base_ = ['../view_learning/contrast_ydbdr_cutouts.py', '../_base_/sweet_spot/held_out_folders.py']

sweep = dict(
    keys=['model.generator.space'],
    values=['RGB', 'YDbDr', 'YIQ', 'YPbPr', 'YCbCr', 'Lab', 'HSV'],
    label='colour space')

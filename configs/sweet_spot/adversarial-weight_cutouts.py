"""How much a semi-supervised generator cares to share little, on folders."""
_base_ = '../view_learning/semi-supervised_rgb_vp_cutouts.py'

contrast = 'learned-views_cutouts.py'
sweep = dict(
    keys=['learning.model.contrast_weight'],
    values=[0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
    label='weight of I_NCE in the loss of the generator')

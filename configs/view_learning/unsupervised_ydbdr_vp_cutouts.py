"""Unsupervised view learning from YDbDr, volume-preserving, on folders."""
_base_ = [
    '../_base_/view_learning/unsupervised_folders.py', '../_base_/view_generators/ydbdr_vp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_ydbdr_vp_cutouts.py'  # goes on with the learned views

"""Unsupervised view learning from RGB, volume-preserving, on folders."""
_base_ = [
    '../_base_/view_learning/unsupervised_folders.py', '../_base_/view_generators/rgb_vp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_rgb_vp_cutouts.py'  # goes on with the learned views

"""Unsupervised view learning from RGB, not volume-preserving, on folders."""
_base_ = [
    '../_base_/view_learning/unsupervised_folders.py', '../_base_/view_generators/rgb_nvp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_rgb_nvp_cutouts.py'  # goes on with the learned views

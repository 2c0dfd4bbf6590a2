"""Supervised view learning from RGB, not volume-preserving, on STL-10."""
_base_ = [
    '../_base_/view_learning/supervised.py', '../_base_/view_generators/rgb_nvp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_rgb_nvp_stl10.py'  # goes on with the learned views

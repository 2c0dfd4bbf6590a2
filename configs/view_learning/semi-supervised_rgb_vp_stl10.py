"""Semi-supervised view learning from RGB, volume-preserving, on STL-10."""
_base_ = [
    '../_base_/view_learning/semi-supervised.py', '../_base_/view_generators/rgb_vp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_rgb_vp_stl10.py'  # goes on with the learned views

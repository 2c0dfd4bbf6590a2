"""Features of the views that adversarial-weight_stl10.py learns."""
_base_ = [
    '../view_learning/contrast_rgb_vp_stl10.py', '../_base_/sweet_spot/held_out.py'
]

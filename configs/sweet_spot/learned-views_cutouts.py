"""Features of the views that adversarial-weight_cutouts.py learns."""
_base_ = [
    '../view_learning/contrast_rgb_vp_cutouts.py', '../_base_/sweet_spot/held_out_folders.py'
]

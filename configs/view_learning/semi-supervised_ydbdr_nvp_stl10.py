"""Semi-supervised view learning from YDbDr, not volume-preserving, on STL-10."""
_base_ = [
    '../_base_/view_learning/semi-supervised.py', '../_base_/view_generators/ydbdr_nvp.py'
]

model = dict(generator=_base_.generator)
contrast = 'contrast_ydbdr_nvp_stl10.py'  # goes on with the learned views

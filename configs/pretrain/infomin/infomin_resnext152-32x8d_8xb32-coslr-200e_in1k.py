"""InfoMin, ResNeXt-152, 200 epochs. Published ImageNet read-out: 75.2 top-1.

The authors' code has 32x4d, 32x8d and 64x4d, and their detection settings are for 32x8d; which the
published read-out is of is not known here.
--cfg-options model.backbone.groups=64 model.backbone.width_per_group=4 is another.
"""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_200e.py']

model = dict(
    backbone=dict(type='mmselfsup.ResNeXt', depth=152, groups=32, width_per_group=8))

"""InfoMin, ResNet-101, 300 epochs. Published ImageNet read-out: 73.4 top-1."""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_300e.py']

model = dict(backbone=dict(depth=101))

"""InfoMin, ResNet-152, 200 epochs. Published ImageNet read-out: 73.4 top-1."""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_200e.py']

model = dict(backbone=dict(depth=152))

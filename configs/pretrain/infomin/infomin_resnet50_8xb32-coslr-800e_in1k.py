"""InfoMin, ResNet-50, 800 epochs. Published ImageNet read-out: 73.0 top-1."""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_800e.py']

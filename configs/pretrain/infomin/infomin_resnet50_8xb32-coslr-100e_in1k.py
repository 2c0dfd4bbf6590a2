"""InfoMin, ResNet-50, 100 epochs. Published ImageNet read-out: 67.4 top-1."""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_100e.py']

"""InfoMin, ResNet-50, 200 epochs. Published ImageNet read-out: 70.1 top-1."""
_base_ = ['../../_base_/methods/infomin.py', '../../_base_/schedules/sgd_coslr_200e.py']

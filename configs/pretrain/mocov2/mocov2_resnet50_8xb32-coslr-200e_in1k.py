"""MoCo v2, ResNet-50, 200 epochs. Published ImageNet read-out: 67.5 top-1."""
_base_ = ['../../_base_/methods/mocov2.py', '../../_base_/schedules/sgd_coslr_200e.py']

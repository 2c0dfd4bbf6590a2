"""MoCo, ResNet-50, 200 epochs. Published ImageNet read-out: 60.8 top-1."""
_base_ = ['../../_base_/methods/moco.py', '../../_base_/schedules/sgd_coslr_200e.py']

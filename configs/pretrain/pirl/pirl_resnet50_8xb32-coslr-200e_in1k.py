"""PIRL, ResNet-50, 200 epochs. Published ImageNet read-out: 61.7 top-1."""
_base_ = ['../../_base_/methods/pirl.py', '../../_base_/schedules/sgd_coslr_200e.py']

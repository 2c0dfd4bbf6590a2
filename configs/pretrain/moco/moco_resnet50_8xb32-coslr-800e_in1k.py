"""MoCo, ResNet-50, 800 epochs."""
_base_ = ['../../_base_/methods/moco.py', '../../_base_/schedules/sgd_coslr_800e.py']

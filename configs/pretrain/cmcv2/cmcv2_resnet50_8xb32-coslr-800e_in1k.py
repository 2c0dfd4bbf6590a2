"""CMC v2, two half-width ResNet-50, 800 epochs."""
_base_ = ['../../_base_/methods/cmcv2.py', '../../_base_/schedules/sgd_coslr_800e.py']

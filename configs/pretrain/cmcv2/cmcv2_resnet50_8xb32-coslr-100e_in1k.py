"""CMC v2, two half-width ResNet-50, 100 epochs."""
_base_ = ['../../_base_/methods/cmcv2.py', '../../_base_/schedules/sgd_coslr_100e.py']

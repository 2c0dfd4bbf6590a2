"""CMC, two half-width ResNet-50, 200 epochs. Published ImageNet read-out: 58.6 top-1."""
_base_ = ['../../_base_/methods/cmc.py', '../../_base_/schedules/sgd_coslr_200e.py']

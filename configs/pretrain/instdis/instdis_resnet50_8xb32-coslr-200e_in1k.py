"""InstDis, ResNet-50, 200 epochs. Published ImageNet read-out: 59.5 top-1."""
_base_ = ['../../_base_/methods/instdis.py', '../../_base_/schedules/sgd_coslr_200e.py']

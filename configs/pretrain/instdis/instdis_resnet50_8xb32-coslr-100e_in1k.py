"""InstDis, ResNet-50, 100 epochs."""
_base_ = ['../../_base_/methods/instdis.py', '../../_base_/schedules/sgd_coslr_100e.py']

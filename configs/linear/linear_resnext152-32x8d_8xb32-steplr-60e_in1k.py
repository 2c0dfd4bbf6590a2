"""Linear read-out, ResNeXt-152 32x8d. Published ImageNet top-1, InfoMin: 75.2 (200 epochs)."""
_base_ = 'linear_resnet50_8xb32-steplr-60e_in1k.py'

model = dict(backbone=dict(type='mmcls.ResNeXt', depth=152, groups=32, width_per_group=8))

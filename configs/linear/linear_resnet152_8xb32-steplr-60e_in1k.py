"""Linear read-out, ResNet-152. Published ImageNet top-1, InfoMin: 73.4 (200 epochs)."""
_base_ = 'linear_resnet50_8xb32-steplr-60e_in1k.py'

model = dict(backbone=dict(depth=152))

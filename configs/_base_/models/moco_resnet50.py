"""MoCo with ResNet-50: a linear head, temperature 0.07 (He et al. 2020)."""
_base_ = 'mocov2_resnet50.py'

model = dict(
    neck=dict(_delete_=True, type='mmselfsup.LinearNeck', in_channels=2048, out_channels=128),
    head=dict(temperature=0.07))

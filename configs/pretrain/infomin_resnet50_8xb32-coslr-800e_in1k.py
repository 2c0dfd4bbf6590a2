"""InfoMin, ResNet-50, 800 epochs. Published ImageNet read-out: 73.0 top-1."""
_base_ = 'infomin_resnet50_8xb32-coslr-200e_in1k.py'

max_epochs = 800
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, T_max=max_epochs, begin=0, end=max_epochs)
]
train_cfg = dict(max_epochs=max_epochs)

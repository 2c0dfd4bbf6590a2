"""As sgd_coslr_200e.py, 800 epochs."""
_base_ = 'sgd_coslr_200e.py'

max_epochs = 800
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, T_max=max_epochs, begin=0, end=max_epochs)
]
train_cfg = dict(max_epochs=max_epochs)
warm_up = dict(epochs=10)

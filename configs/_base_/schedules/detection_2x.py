"""COCO 2x: 180,000 iterations of 16 images, a tenth of the rate from 120,000 and 160,000 on."""
_base_ = '../detection_runtime.py'

max_iters = 180000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=30000)
default_hooks = dict(checkpoint=dict(interval=30000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=max_iters,
        milestones=[120000, 160000],
        gamma=0.1)
]

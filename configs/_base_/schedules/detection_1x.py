"""COCO 1x: 90,000 iterations of 16 images, a tenth of the rate from 60,000 and 80,000 on."""
_base_ = '../detection_runtime.py'

max_iters = 90000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=15000)
default_hooks = dict(checkpoint=dict(interval=15000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=max_iters,
        milestones=[60000, 80000],
        gamma=0.1)
]

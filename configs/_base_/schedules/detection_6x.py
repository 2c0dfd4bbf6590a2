"""COCO 6x: 540,000 iterations of 16 images, a tenth of the rate from 480,000 and 520,000 on."""
_base_ = '../detection_runtime.py'

max_iters = 540000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=60000)
default_hooks = dict(checkpoint=dict(interval=60000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=max_iters,
        milestones=[480000, 520000],
        gamma=0.1)
]

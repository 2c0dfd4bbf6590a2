# COCO: train2017 -> val2017, 180,000 iterations (2x).
_base_ = './mask-rcnn_r50_fpn_8xb2-1x_coco.py'

train_cfg = dict(max_iters=180000, val_interval=30000)
default_hooks = dict(checkpoint=dict(interval=30000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=180000,
        milestones=[120000, 160000],
        gamma=0.1)
]

# COCO: train2017 -> val2017, 90,000 iterations (1x).
_base_ = [
    '../_base_/detection_r50-fpn_syncbn.py', 'mmdet::_base_/datasets/coco_instance.py',
    '../_base_/detection_runtime.py'
]

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, side) for side in range(640, 801, 32)],
        keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
train_dataloader = dict(
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(filter_cfg=dict(min_size=0), pipeline=train_pipeline))

train_cfg = dict(type='IterBasedTrainLoop', max_iters=90000, val_interval=15000)
default_hooks = dict(checkpoint=dict(interval=15000))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(
        type='MultiStepLR',
        by_epoch=False,
        begin=0,
        end=90000,
        milestones=[60000, 80000],
        gamma=0.1)
]

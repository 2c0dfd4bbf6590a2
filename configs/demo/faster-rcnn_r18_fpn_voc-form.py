# Detection on any folder in PASCAL VOC form: --cfg-options data_root=DIR is all it needs.
_base_ = '../_base_/detection_small.py'

data_form = 'voc'
data_root = 'data/mini'
train_split = 'train'
test_split = 'test'
classes = None  # from the annotations

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale={{_base_.image_scale}}, keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale={{_base_.image_scale}}, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),  # after Resize: boxes are compared in full size
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))
]

# XMLDataset, not VOCDataset: the latter prints VOC's class names where a folder is named VOC2007
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type='XMLDataset',
        data_root=data_root,
        filter_cfg=dict(filter_empty_gt=True, min_size=0),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=False,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='XMLDataset', data_root=data_root, test_mode=True, pipeline=test_pipeline))
test_dataloader = val_dataloader

# VOC's 11-point AP averaged over IoU 0.50 ... 0.95, AP50 and AP75
val_evaluator = dict(
    type='VOCMetric',
    metric='mAP',
    iou_thrs=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95],
    eval_mode='11points')
test_evaluator = val_evaluator

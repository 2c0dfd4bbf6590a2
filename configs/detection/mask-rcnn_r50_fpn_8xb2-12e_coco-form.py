# Your own images with masks, in COCO form: --cfg-options data_root=DIR is all it needs. 12 epochs.
_base_ = './mask-rcnn_r50_fpn_8xb2-1x_coco.py'

data_form = 'coco'
data_root = 'data/own'
train_split = 'train'
test_split = 'test'
classes = None  # from the annotations

train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(data_root=data_root, ann_file='', data_prefix=dict(img='')))
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file='', data_prefix=dict(img='')))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file='')
test_evaluator = val_evaluator

train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
# short warm-up: a set of one's own may have few iterations an epoch
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8, 11], gamma=0.1)
]

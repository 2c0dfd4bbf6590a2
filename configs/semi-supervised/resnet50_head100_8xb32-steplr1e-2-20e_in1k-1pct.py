"""Fine-tuning with 1% of ImageNet's labels: the whole ResNet-50 learns, the head 100 times as fast.

The settings are mmselfsup 1.0's benchmark (resnet50_head100_4xb64-steplr1e-2-20e_in1k-1pct): batch
256, 20 epochs, SyncBN, crops from scale 0.08 on; it tries rates of the trunk of 0.1, 0.01 and 0.001
with heads of 1, 10 and 100 times it. The InfoMin authors' code has no such experiment.
"""
_base_ = '../linear/linear_resnet50_8xb32-steplr-60e_in1k.py'

model = dict(
    backbone=dict(frozen_stages=-1, norm_eval=False, norm_cfg=dict(type='SyncBN')))
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[1].views.recipe[0].update(scale=(0.08, 1.0))
train_dataloader = dict(
    dataset=dict(
        type='LabelledShare',
        # a list of images in place of a draw: share=None, ann_file='…/train_1percent.txt'
        share=0.01,
        seed=0,
        pipeline=pipeline))

max_epochs = 20
optim_wrapper = dict(
    optimizer=dict(lr=0.01, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=100.0)}))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[12, 16], gamma=0.2, begin=0, end=max_epochs)
]
train_cfg = dict(max_epochs=max_epochs)

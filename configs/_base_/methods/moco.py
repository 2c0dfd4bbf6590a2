"""MoCo on ImageNet."""
_base_ = [
    '../models/moco_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/instdis_aug.py',
    '../pretrain_runtime.py',
]

method = 'MoCo'

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.instdis_aug)),
        dict(type='PackViews'),
    ]))

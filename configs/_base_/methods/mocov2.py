"""MoCo v2 on ImageNet."""
_base_ = [
    '../models/mocov2_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/mocov2_aug.py',
    '../pretrain_runtime.py',
]

method = 'MoCo v2'

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.mocov2_aug)),
        dict(type='PackViews'),
    ]))

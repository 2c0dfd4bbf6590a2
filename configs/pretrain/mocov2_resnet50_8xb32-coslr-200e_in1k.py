"""MoCo v2, ResNet-50, 200 epochs. Published ImageNet read-out: 67.5 top-1."""
_base_ = [
    '../_base_/models/mocov2_resnet50.py',
    '../_base_/datasets/in1k.py',
    '../_base_/recipes/mocov2_aug.py',
    '../_base_/schedules/sgd_coslr_200e.py',
    '../_base_/pretrain_runtime.py',
]

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.mocov2_aug)),
        dict(type='PackViews'),
    ]))

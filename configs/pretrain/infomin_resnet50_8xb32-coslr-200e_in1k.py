"""InfoMin, ResNet-50, 200 epochs. Published ImageNet read-out: 70.1 top-1."""
_base_ = [
    '../_base_/models/infomin_resnet50.py',
    '../_base_/datasets/in1k.py',
    '../_base_/recipes/infomin_aug.py',
    '../_base_/recipes/jigsaw.py',
    '../_base_/schedules/sgd_coslr_200e.py',
    '../_base_/pretrain_runtime.py',
]

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(
            type='MultiView',
            views=dict(num=2, recipe=_base_.infomin_aug),
            patches=dict(num=1, recipe=_base_.jigsaw)),
        dict(type='PackViews'),
    ]))

"""InfoMin on ImageNet."""
_base_ = [
    '../models/infomin_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/infomin_aug.py',
    '../recipes/jigsaw.py',
    '../pretrain_runtime.py',
]

method = 'InfoMin'

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(
            type='MultiView',
            views=dict(num=2, recipe=_base_.infomin_aug),
            patches=dict(num=1, recipe=_base_.jigsaw)),
        dict(type='PackViews'),
    ]))

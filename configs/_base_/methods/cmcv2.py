"""CMC v2 on ImageNet: luminance against chrominance, with queues."""
_base_ = [
    '../models/cross-view_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/cmcv2_aug.py',
    '../pretrain_runtime.py',
]

method = 'CMC v2'

# the generator takes RGB: without the recipe's last step, the change of colour space
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=1, recipe=_base_.cmcv2_aug[:-1])),
        dict(type='PackViews'),
    ]))

"""CMC v2: luminance against chrominance, two half-width ResNet-50, 200 epochs."""
_base_ = [
    '../_base_/models/cross-view_resnet50.py',
    '../_base_/datasets/in1k.py',
    '../_base_/recipes/cmcv2_aug.py',
    '../_base_/schedules/sgd_coslr_200e.py',
    '../_base_/pretrain_runtime.py',
]

# the generator takes RGB: without the recipe's last step, the change of colour space
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=1, recipe=_base_.cmcv2_aug[:-1])),
        dict(type='PackViews'),
    ]))

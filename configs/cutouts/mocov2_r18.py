"""MoCo v2 on photographed objects: one branch and its own recipe."""
_base_ = ['infomin_r18.py', '../_base_/recipes/mocov2_aug.py']

method = 'MoCo v2'
model = dict(jigsaw_neck=None, jigsaw_head=None, head=dict(loss_weight=1.0))

_base_.mocov2_aug[0].update(size=64, scale=(0.3, 1.0))
_base_.mocov2_aug[4].transforms[0].update(sigma=(0.1, 0.6))
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.mocov2_aug)),
        dict(type='PackViews'),
    ]))

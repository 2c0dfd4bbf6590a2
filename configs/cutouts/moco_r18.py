"""MoCo on photographed objects: a linear head, temperature 0.07, the recipe of InstDis."""
_base_ = ['mocov2_r18.py', '../_base_/recipes/instdis_aug.py']

method = 'MoCo'
model = dict(
    # one layer, with the batch norm at the end that a fast key encoder needs
    neck=dict(_delete_=True, type='mmselfsup.NonLinearNeck', in_channels=128, hid_channels=64,
              out_channels=64, num_layers=1, norm_cfg=dict(type='BN1d')),
    head=dict(temperature=0.07))

_base_.instdis_aug[0].update(size=64, scale=(0.3, 1.0))
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.instdis_aug)),
        dict(type='PackViews'),
    ]))

"""How small crops may be, on folders."""
_base_ = ['../_base_/sweet_spot/two_views_folders.py', '../_base_/sweet_spot/crop_scale.py']

pipeline = [
    dict(type='LoadImage'),
    dict(type='MultiView', views=dict(num=2, recipe=_base_.recipe)),
    dict(type='PackViews', meta_keys=('sample_idx', )),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))

sweep = dict(
    keys=['train_dataloader.dataset.pipeline.1.views.recipe.0.scale'],
    values=[0.05, 0.1, 0.2, 0.4, 0.6, 0.8],
    label='lower bound of the crop scale')

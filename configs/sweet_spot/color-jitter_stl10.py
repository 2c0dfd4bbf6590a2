"""How hard colours are jittered, on STL-10."""
_base_ = ['../_base_/sweet_spot/two_views.py', '../_base_/sweet_spot/color_jitter.py']

pipeline = [
    dict(type='MultiView', views=dict(num=2, recipe=_base_.recipe)),
    dict(type='PackViews', meta_keys=('sample_idx', )),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))

sweep = dict(
    keys=['train_dataloader.dataset.pipeline.0.views.recipe.2.strength'],
    values=[0, 0.25, 0.5, 1.0, 1.5, 2.5],
    label='strength of colour jitter')

"""InstDis on ImageNet."""
_base_ = [
    '../models/instdis_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/instdis_aug.py',
    '../pretrain_runtime.py',
]

method = 'InstDis'

# runs with a bank crop more (PyContrast)
_base_.instdis_aug[0].update(scale=(0.08, 1.0))

train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=1, recipe=_base_.instdis_aug)),
        dict(type='PackViews', meta_keys=('img_path', 'sample_idx')),
    ]))

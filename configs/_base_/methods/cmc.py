"""CMC on ImageNet."""
_base_ = [
    '../models/cmc_resnet50.py',
    '../datasets/in1k.py',
    '../recipes/cmc_aug.py',
    '../pretrain_runtime.py',
]

method = 'CMC'

# runs with a bank crop more (PyContrast)
_base_.cmc_aug[0].update(scale=(0.08, 1.0))

# the generator takes RGB: without the recipe's last step, the change of colour space
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=1, recipe=_base_.cmc_aug[:-1])),
        dict(type='PackViews', meta_keys=('img_path', 'sample_idx')),
    ]))

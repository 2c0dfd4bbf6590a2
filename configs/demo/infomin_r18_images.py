"""InfoMin at the size of a laptop CPU, on any tree of images: --cfg-options data_root=DIR.

A quarter-width ResNet-18, 64-pixel views, AdamW: settings that learn something within minutes.
"""
_base_ = [
    '../_base_/recipes/infomin_aug.py',
    '../_base_/recipes/jigsaw.py',
    '../_base_/pretrain_runtime.py',
]

data_root = 'data/images'
# the recipes at 64 pixels: views 224 -> 64, jigsaw image 255 -> 75, patches 64 of 85 -> 19 of 25
_base_.infomin_aug[0].update(size=64)
_base_.jigsaw[0].update(size=75)
_base_.jigsaw[-1].update(cell=25, patch=19)

model = dict(
    type='InfoMin',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375)),
    backbone=dict(
        type='mmselfsup.ResNet', depth=18, stem_channels=16, base_channels=16, out_indices=(4, )),
    neck=dict(type='mmselfsup.MoCoV2Neck', in_channels=128, hid_channels=128, out_channels=64),
    head=dict(type='ContrastiveHead', temperature=0.15, loss_weight=0.5),
    queue=dict(type='KeyQueue', length=4096, channels=64),
    # a short run needs a faster copy than the paper's 0.999
    momentum=0.99,
    jigsaw_neck=dict(
        type='JigsawNeck',
        patch_neck=dict(
            type='mmselfsup.MoCoV2Neck', in_channels=128, hid_channels=128, out_channels=64),
        channels=64),
    jigsaw_head=dict(type='ContrastiveHead', temperature=0.15, loss_weight=0.5))

train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root=data_root,
        pipeline=[
            dict(type='LoadImage'),
            dict(
                type='MultiView',
                views=dict(num=2, recipe=_base_.infomin_aug),
                patches=dict(num=1, recipe=_base_.jigsaw)),
            dict(type='PackViews'),
        ]))

max_epochs = 20
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4))
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, T_max=max_epochs, begin=0, end=max_epochs,
         convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=5))
auto_scale_lr = dict(enable=False, base_batch_size=128)

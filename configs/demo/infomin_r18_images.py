"""InfoMin at the size of a laptop CPU, on any tree of images: --cfg-options data_root=DIR.

A quarter-width ResNet-18 on 64-pixel views. What differs from the paper's settings, beside the
size, is there to learn something within minutes, in about a thousand steps.
"""
_base_ = [
    '../_base_/recipes/infomin_aug.py',
    '../_base_/recipes/jigsaw.py',
    '../_base_/pretrain_runtime.py',
]

method = 'InfoMin'
data_root = 'data/images'

# views 224 -> 64 px, jigsaw image 255 -> 75, patches 64 of 85 -> 19 of 25; blur in proportion
_base_.infomin_aug[0].update(size=64, scale=(0.3, 1.0))
_base_.infomin_aug[3].transforms[0].update(sigma=(0.1, 0.6), kernel_size=7)
# at full strength kNN did not rise in hundreds of steps, see docs/results/demo.md
_base_.infomin_aug[4].update(magnitude=4, prob=0.25)
_base_.jigsaw[0].update(size=75, scale=(0.8, 1.0))
_base_.jigsaw[2].update(cell=25, patch=19)

# A key encoder with momentum 0.999 would hardly move in so few steps, and one that moves fast gives
# each batch of keys a mean of its own, by which the queue is told apart without looking at an
# image. Batch norm at the end of the neck takes that mean away.
small_neck = dict(
    type='mmselfsup.NonLinearNeck',
    in_channels=128,
    hid_channels=128,
    out_channels=64,
    norm_cfg=dict(type='BN1d'))
model = dict(
    type='InfoMin',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        channels_last=True),
    backbone=dict(
        type='mmselfsup.ResNet',
        depth=18,
        stem_channels=16,
        base_channels=16,
        out_indices=(4, ),
        # as mmdet starts the ResNet of a detector: 'random' is then the same network in both
        zero_init_residual=True),
    neck=small_neck,
    head=dict(type='ContrastiveHead', temperature=0.2, loss_weight=0.5),
    memory=dict(type='KeyQueue', length=512, channels=64),
    momentum=0.5,
    jigsaw_neck=dict(type='JigsawNeck', patch_neck=small_neck, channels=64),
    jigsaw_head=dict(type='ContrastiveHead', temperature=0.2, loss_weight=0.5))

train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolder',
        data_root=data_root,
        split='train',  # of a tree that is divided
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
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4))
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=1e-3,
        T_max=max_epochs,
        begin=0,
        end=max_epochs,
        convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=5))
auto_scale_lr = dict(enable=False, base_batch_size=128)

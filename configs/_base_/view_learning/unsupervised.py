"""Unsupervised view learning on STL-10 (Tian et al. 2020, section 5): min over g, max over f1, f2.

The generator is left to a file of _base_/view_generators/. Sizes, rates and lengths are this
project's: the authors have not released theirs.
"""
_base_ = ['../pretrain_runtime.py', 'published.py']

regime = 'unsupervised'

data_root = 'data/stl10_binary'
pipeline = [
    dict(
        type='MultiView',
        views=dict(
            num=1,
            recipe=[dict(type='RandomCrop', size=64),
                    dict(type='RandomFlip', prob=0.5)])),
    dict(type='PackViews', meta_keys=('gt_label', 'sample_idx')),
]
batch_size = 256
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='STL10', data_root=data_root, split='unlabeled', pipeline=pipeline))

# half-width ResNet-18 for each view
trunk = dict(
    type='mmselfsup.ResNet',
    depth=18,
    stem_channels=32,
    base_channels=32,
    out_indices=(4, ),
    zero_init_residual=True)
neck = dict(
    type='mmselfsup.NonLinearNeck',
    in_channels=256,
    hid_channels=256,
    out_channels=128,
    norm_cfg=dict(type='BN1d'))
model = dict(
    type='ViewLearning',
    # generators take RGB in 0…1
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(0.0, 0.0, 0.0),
        std=(255.0, 255.0, 255.0),
        channels_last=True,
        keep=('gt_label', )),
    encoders=dict(
        type='TwoViewEncoder',
        encoder1=dict(backbone=dict(in_channels=1, **trunk), neck=neck),
        encoder2=dict(backbone=dict(in_channels=2, **trunk), neck=neck),
        view_norm=True),
    temperature=0.1,
    contrast_weight=1.0,
    encoder_steps=1)

optim_wrapper = dict(
    constructor='PlayerOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=3e-4), clip_grad=dict(max_norm=1.0)),
    encoders=dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4)))
# to the end of training, however long it is
param_scheduler = [dict(type='CosineAnnealingLR', eta_min_ratio=1e-2, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000)
# player by player: the step of one leaves the gradients of the others alone
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')

default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2000))
custom_hooks = [dict(type='ViewPicturesHook', interval=2000)]
log_processor = dict(
    by_epoch=False, mean_pattern=r'.*(loss|time|data_time|grad_norm|i_nce|acc).*')

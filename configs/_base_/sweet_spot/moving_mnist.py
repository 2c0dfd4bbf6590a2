"""Colorful Moving-MNIST (Tian et al. 2020, section 4.1): what views share decides what is learned.

View 1 is a clip of ten frames, view 2 a later frame that shares some of {digit, position,
background} with it. Encoders as in the paper (recalled); lengths and rates are this project's.
`data_root` has `stl10_binary/` and, for MNIST's digits, `MNIST/raw/`.
"""
_base_ = ['../pretrain_runtime.py', 'moving_mnist_published.py']

data_root = 'data'
backgrounds = dict(type='STL10', data_root=f'{data_root}/stl10_binary', split='train')
test_backgrounds = dict(backgrounds, split='test')
dataset = dict(
    type='ColorfulMovingMNIST',
    backgrounds=backgrounds,
    shared=['digit'],
    length=100000,
    digits='auto',
    digits_root=data_root,
    pipeline=[
        dict(type='PackViews', meta_keys=('gt_label', 'background', 'position', 'sample_idx'))
    ])
train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dataset)

model = dict(
    type='CrossViewContrast',
    data_preprocessor=dict(
        type='ViewDataPreprocessor',
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        channels_last=True),
    encoders=dict(type='SequenceFrameEncoder'),
    head=dict(type='ContrastiveHead', temperature=0.2))

optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4))
param_scheduler = [dict(type='CosineAnnealingLR', eta_min_ratio=1e-2, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2000))
log_processor = dict(by_epoch=False)

# the three factors of view 1, from f1's frozen features
loader = dict(
    batch_size=200,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'))
read_out = dict(
    bank=dict(dataset=dict(dataset, length=10000), **loader),
    queries=dict(
        test=dict(
            dataset=dict(dataset, split='test', length=5000, backgrounds=test_backgrounds),
            **loader)),
    labels=dict(digit='gt_label', background='background', position='position'),
    inverse_penalty=[1e-3, 1e-2, 1e-1, 1.0])
mutual_information = dict(
    dataset=dict(split='test', length=4096, backgrounds=test_backgrounds), num_workers=4)

sweep = dict(
    keys=['train_dataloader.dataset.shared'],
    values=[
        '[digit]', '[background]', '[position]', '[digit,background]', '[background,position]',
        '[digit,position]', '[digit,background,position]'
    ],
    label='shared factors')

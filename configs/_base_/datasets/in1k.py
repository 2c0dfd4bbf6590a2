"""ImageNet-1k without labels; ``data_root`` may be any tree of images.

Of a tree with ``train/`` and ``val/``, such as ImageNet's, it is ``train/`` alone.
"""
data_root = 'data/imagenet'
train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='ImageFolder', data_root=data_root, split='train'))

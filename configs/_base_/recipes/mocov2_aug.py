# Views of MoCo v2 (Chen et al. 2020), with the numbers of its public code.
mocov2_aug = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ]),
    dict(type='RandomGrayscale', prob=0.2),
    # Pillow's blur: kernel_size=None
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[dict(type='GaussianBlur', sigma=(0.1, 2.0), kernel_size=None)]),
]

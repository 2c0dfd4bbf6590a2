# "InfoMin Aug." (Tian et al. 2020, "What makes for good views for contrastive learning?"), with
# the numbers of the authors' public code (PyContrast). Runs with a memory bank crop from scale
# 0.08 on: infomin_aug[0].update(scale=(0.08, 1.0)).
infomin_aug = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[
            dict(type='ColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
        ]),
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[dict(type='GaussianBlur', sigma=(0.1, 2.0), kernel_size=23)]),
    dict(
        type='RandAugment',
        ops=[
            'AutoContrast', 'Equalize', 'Invert', 'Rotate', 'Posterize', 'Solarize', 'SolarizeAdd',
            'Color', 'Contrast', 'Brightness', 'Sharpness', 'ShearX', 'ShearY', 'TranslateX',
            'TranslateY'
        ],
        num_ops=2,
        magnitude=10,
        magnitude_std=0.5,
        prob=0.5,
        fill=(124, 116, 104)),
    dict(type='RandomGrayscale', prob=0.2),
]

# Views of "CMC v2", with the numbers of the authors' public code (PyContrast, Tian et al.): as
# InfoMin Aug. with weaker jitter and without the operations of RandAugment that change colours,
# in YDbDr: the encoders take the luminance (channel 0) and the chrominance (channels 1 and 2).
cmcv2_aug = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ]),
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[dict(type='GaussianBlur', sigma=(0.1, 2.0), kernel_size=23)]),
    dict(
        type='RandAugment',
        ops=[
            'AutoContrast', 'Identity', 'Rotate', 'Sharpness', 'ShearX', 'ShearY', 'TranslateX',
            'TranslateY'
        ],
        num_ops=2,
        magnitude=10,
        magnitude_std=0.5,
        prob=0.5,
        fill=(124, 116, 104)),
    dict(type='ColorSpace', space='YDbDr'),
]

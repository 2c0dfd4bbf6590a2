# Two crops, of which the smallest share of the image is varied (Tian et al. 2020, section 4.1).
recipe = [
    dict(type='RandomResizedCrop', size=64, scale=0.2),
    dict(type='RandomFlip', prob=0.5),
    # else the colours alone would tell which crops belong together
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ]),
]

# Two crops, of which the jitter of colours is varied (Tian et al. 2020, section 4.1): `strength`
# multiplies InfoMin's numbers.
recipe = [
    dict(type='RandomResizedCrop', size=64, scale=(0.2, 1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, strength=1.0),
]

# Views of CMC (Tian et al. 2019), with the numbers of the authors' public code (PyContrast), in
# YDbDr: the encoders take the luminance (channel 0) and the chrominance (channels 1 and 2).
cmc_aug = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    dict(type='ColorSpace', space='YDbDr'),
]

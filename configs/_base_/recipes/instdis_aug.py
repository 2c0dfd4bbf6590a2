# Views of InstDis, MoCo v1 and PIRL, with the numbers of the public code of the InfoMin authors
# (PyContrast, Tian et al.). Runs with a memory bank crop from scale 0.08 on.
instdis_aug = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4),
    dict(type='RandomGrayscale', prob=0.2),
]

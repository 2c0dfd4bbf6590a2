# Patches of the jigsaw branch (PIRL, Misra & van der Maaten 2020), with the numbers of the InfoMin
# authors' public code (PyContrast): a 3 x 3 grid of 85 px cells, no change of colours.
jigsaw = [
    dict(type='RandomResizedCrop', size=255, scale=(0.6, 1.0), ratio=(3 / 4, 4 / 3)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='JigsawPatches', cell=85, patch=64),
]

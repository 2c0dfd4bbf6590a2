"""A small set in STL-10's binary format, written value by value."""

from pathlib import Path

import numpy as np

CLASSES = ('airplane', 'bird', 'car', 'cat', 'deer', 'dog', 'horse', 'monkey', 'ship', 'truck')


def write_stl10(folder: Path, train: int = 20, test: int = 10, unlabeled: int = 30,
                seed: int = 0) -> dict[str, np.ndarray]:
    """Write the seven files; returns images (N, 96, 96, 3) and labels (N, 0…9) by name.

    An image is a gradient in the colour of its class, so that there is something to learn.
    """
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    written = {}
    for split, count in (('train', train), ('test', test), ('unlabeled', unlabeled)):
        labels = np.arange(count) % 10
        colors = 60 + 140 * ((labels[:, None] + 1) >> np.arange(3) & 1)  # (N, 3)
        ramp = np.add.outer(np.arange(96), 2 * np.arange(96)) / 6  # (row, column)
        images = colors[:, None, None] + ramp[None, :, :, None]
        images = (images + generator.normal(0, 5, images.shape)).clip(0, 255).astype(np.uint8)
        # the published order: image by image, red, green, blue, each column after column
        data = b''.join(image[:, column, channel].tobytes()
                        for image in images for channel in range(3) for column in range(96))
        (folder / f'{split}_X.bin').write_bytes(data)
        if split != 'unlabeled':
            (folder / f'{split}_y.bin').write_bytes((labels + 1).astype(np.uint8).tobytes())
        written[split], written[f'{split}_labels'] = images, labels
    (folder / 'class_names.txt').write_text('\n'.join(CLASSES) + '\n')
    folds = [' '.join(map(str, generator.permutation(train)[:train // 2])) for _ in range(10)]
    (folder / 'fold_indices.txt').write_text(' \n'.join(folds) + ' \n')
    written['folds'] = [list(map(int, fold.split())) for fold in folds]
    return written

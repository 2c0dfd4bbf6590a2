"""Image sets in the form of folders."""

import numpy as np
from PIL import Image


def write_folder_set(root, size=(70, 66), scene=(200, 210), per_class=4, seed=0):
    """Write what configs for folders read: noise images, three classes, and larger scenes."""
    generator = np.random.default_rng(seed)
    sizes = {f'objects/{i}.png': size for i in range(20)}
    sizes |= {f'classify/{split}/{name}/{i}.png': size for split in ('train', 'test')
              for name in 'abc' for i in range(per_class)}
    sizes |= {f'{folder}/{i}.png': scene for folder in ('pretrain', 'VOCdevkit/VOC2007/JPEGImages')
              for i in range(8)}
    for name, (height, width) in sizes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(256, size=(height, width, 3), dtype=np.uint8)).save(path)

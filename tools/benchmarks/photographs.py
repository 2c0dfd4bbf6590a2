"""Photographs for a benchmark where there are none at hand."""

import random
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_sample_images

SIZE = 500, 375  # ImageNet's most common
QUALITY = 90


def write_photographs(folder: Path, number: int, seed: int) -> None:
    """Write different crops of scikit-learn's two photographs as JPEGs.

    Args:
        folder: Made if it is not there.
        number: How many, from both in turn.
        seed: Of the places of the crops.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    for i in range(number):
        photograph = photographs[i % len(photographs)]
        # Reduced a little, never enlarged: an enlarged one would have no detail to decode.
        width = chance.randint(SIZE[0], photograph.height * SIZE[0] // SIZE[1])
        height = width * SIZE[1] // SIZE[0]
        left = chance.randint(0, photograph.width - width)
        top = chance.randint(0, photograph.height - height)
        crop = photograph.resize(SIZE, Image.Resampling.LANCZOS,
                                 (left, top, left + width, top + height))
        crop.save(folder / f'{i:04d}.jpg', quality=QUALITY)

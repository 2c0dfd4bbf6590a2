"""InfoMin Aug. and jigsaw patches as one would write them with Pillow and torchvision.

The peer: the same recipe, without any thought for speed. Nothing of this project is used.
"""

import random

import cv2
import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.nn import functional as F
from torchvision import transforms
from torchvision.transforms import functional

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILL = (124, 116, 104)


def load(path: str) -> Image.Image:
    """Decode a file as torchvision's loader does."""
    with open(path, 'rb') as file:
        return Image.open(file).convert('RGB')


class Blur:
    """23-tap Gaussian with reflected border, on a tensor, as the authors' code does it.

    Args:
        opencv: Whether OpenCV's GaussianBlur does it instead: faster, and just as plain.
    """

    def __init__(self, opencv: bool = False) -> None:
        self.opencv = opencv

    def __call__(self, image: Image.Image) -> Image.Image:
        sigma = random.uniform(0.1, 2.0)
        if self.opencv:
            return Image.fromarray(cv2.GaussianBlur(np.array(image), (23, 23), sigma))
        return self.blur(image, sigma)

    @staticmethod
    def blur(image: Image.Image, sigma: float) -> Image.Image:
        """Blur by ``sigma`` pixels."""
        positions = torch.arange(-11, 12, dtype=torch.float)
        kernel = torch.exp(-positions**2 / (2 * sigma**2))
        kernel = (kernel / kernel.sum()).expand(3, 1, 1, 23)
        pixels = functional.pil_to_tensor(image).float()[None]
        padded = F.pad(pixels, (11, 11, 11, 11), mode='reflect')
        rows = F.conv2d(padded, kernel, groups=3)
        blurred = F.conv2d(rows, kernel.transpose(2, 3), groups=3)
        return functional.to_pil_image(blurred[0].round().clamp(0, 255).byte())


def solarize_add(image: Image.Image, amount: int) -> Image.Image:
    """Add below 128, by Pillow's table."""
    table = [min(255, level + amount) if level < 128 else level for level in range(256)]
    return image.point(table * 3)


def affine(image: Image.Image, matrix: tuple, resample: Image.Resampling) -> Image.Image:
    """Pillow's affine transform, filled with the ImageNet mean."""
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample, fillcolor=FILL)


# name -> f(image, argument, interpolation), argument of the magnitude, whether its sign is random
OPERATIONS = {
    'auto_contrast': (lambda im, v, r: ImageOps.autocontrast(im), lambda m: 0, False),
    'equalize': (lambda im, v, r: ImageOps.equalize(im), lambda m: 0, False),
    'invert': (lambda im, v, r: ImageOps.invert(im), lambda m: 0, False),
    'rotate': (lambda im, v, r: im.rotate(v, r, fillcolor=FILL), lambda m: m * 3, True),
    # ImageOps.posterize takes 1 bit at least; the authors' rule goes down to 0
    'posterize': (lambda im, v, r: im.point([i & ~(2**(8 - v) - 1) for i in range(256)] * 3),
                  lambda m: int(m / 10 * 4), False),
    'solarize': (lambda im, v, r: ImageOps.solarize(im, v), lambda m: int(m / 10 * 256), False),
    'solarize_add': (lambda im, v, r: solarize_add(im, v), lambda m: int(m / 10 * 110), False),
    'saturation': (lambda im, v, r: ImageEnhance.Color(im).enhance(v),
                   lambda m: m * 0.18 + 0.1, False),
    'contrast': (lambda im, v, r: ImageEnhance.Contrast(im).enhance(v),
                 lambda m: m * 0.18 + 0.1, False),
    'brightness': (lambda im, v, r: ImageEnhance.Brightness(im).enhance(v),
                   lambda m: m * 0.18 + 0.1, False),
    'sharpness': (lambda im, v, r: ImageEnhance.Sharpness(im).enhance(v),
                  lambda m: m * 0.18 + 0.1, False),
    'shear_x': (lambda im, v, r: affine(im, (1, v, 0, 0, 1, 0), r), lambda m: m * 0.03, True),
    'shear_y': (lambda im, v, r: affine(im, (1, 0, 0, v, 1, 0), r), lambda m: m * 0.03, True),
    'translate_x': (lambda im, v, r: affine(im, (1, 0, v * im.width, 0, 1, 0), r),
                    lambda m: m * 0.045, True),
    'translate_y': (lambda im, v, r: affine(im, (1, 0, 0, 0, 1, v * im.height), r),
                    lambda m: m * 0.045, True),
}


class RandAugment:
    """Two operations with replacement, each with probability a half."""

    def __call__(self, image: Image.Image) -> Image.Image:
        for name in random.choices(list(OPERATIONS), k=2):
            if random.random() < 0.5:
                apply, argument, signed = OPERATIONS[name]
                value = argument(min(max(random.gauss(10, 0.5), 0), 10))
                if signed and random.random() < 0.5:
                    value = -value
                resample = random.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC))
                image = apply(image, value, resample)
        return image


class Patches:
    """Nine patches at random places of a 3 x 3 grid."""

    def __call__(self, image: Image.Image) -> list[Image.Image]:
        patches = []
        for i in range(9):
            left = i % 3 * 85 + random.randint(0, 21)
            top = i // 3 * 85 + random.randint(0, 21)
            patches.append(image.crop((left, top, left + 64, top + 64)))
        return patches


class PlainViews:
    """From a file to two views and, if wanted, nine patches.

    Args:
        jigsaw: Whether to make the patches.
        normalise: Whether to end with float tensors, normalised, as plain pipelines do; else with
            uint8 tensors.
        opencv_blur: See :class:`Blur`.
    """

    def __init__(self, jigsaw: bool = True, normalise: bool = True,
                 opencv_blur: bool = False) -> None:
        crop = transforms.RandomResizedCrop
        self.view = transforms.Compose([
            crop(224, scale=(0.2, 1)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([transforms.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
            transforms.RandomApply([Blur(opencv_blur)], p=0.5),
            RandAugment(),
            transforms.RandomGrayscale(p=0.2),
        ])
        self.patches = transforms.Compose([
            crop(255, scale=(0.6, 1)), transforms.RandomHorizontalFlip(), Patches()
        ]) if jigsaw else None
        self.pack = (transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
                     if normalise else lambda image: torch.from_numpy(np.array(image)))

    def __call__(self, path: str) -> dict:
        image = load(path)
        sample = dict(views=[self.pack(self.view(image)) for _ in range(2)])
        if self.patches:
            sample['patches'] = torch.stack([self.pack(patch) for patch in self.patches(image)])
        return sample

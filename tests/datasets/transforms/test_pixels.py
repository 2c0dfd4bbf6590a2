"""Point operations against Pillow and torchvision."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import functional

from infomin_plugin.datasets.transforms.operations import filters, pixels

FACTORS = [0, 0.2, 0.55, 1, 1.37, 1.9]


def difference(ours, reference):
    return np.abs(ours.astype(int) - np.asarray(reference).astype(int)).max()


@pytest.mark.parametrize('factor', FACTORS)
@pytest.mark.parametrize('ours, enhancer', [
    (pixels.brightness, ImageEnhance.Brightness),
    (pixels.contrast, ImageEnhance.Contrast),
    (pixels.saturation, ImageEnhance.Color),
    (filters.sharpness, ImageEnhance.Sharpness),
])
def test_enhancement_is_pillows_within_one_level(photo, ours, enhancer, factor):
    reference = enhancer(Image.fromarray(photo)).enhance(factor)
    assert difference(ours(photo, factor), reference) <= 1


@pytest.mark.parametrize('shift', [-0.5, -0.2, -0.07, 0, 0.01, 0.13, 0.2, 0.4, 0.5])
def test_hue_is_torchvisions_within_one_level(photo, shift):
    tensor = torch.from_numpy(photo.copy()).permute(2, 0, 1)
    reference = functional.adjust_hue(tensor, shift).permute(1, 2, 0).numpy()
    assert difference(pixels.hue(photo, shift), reference) <= 1


def test_hue_of_pure_colours():
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    turned = pixels.hue(primaries, 1 / 3)
    assert turned.tolist() == [[[0, 255, 0], [0, 0, 255], [255, 0, 0], [90, 90, 90]]]


def test_grey_is_pillows_within_one_level(photo):
    reference = Image.fromarray(photo).convert('L').convert('RGB')
    assert difference(pixels.grey(photo), reference) <= 1


def narrow(photo):
    """A low-contrast version: AutoContrast and Equalize change it much."""
    return (photo // 3 + np.array([40, 90, 10])).astype(np.uint8)


@pytest.mark.parametrize('change', [lambda photo: photo, narrow, lambda photo: photo // 32 * 32,
                                    lambda photo: np.full_like(photo, 77)],
                         ids=['photo', 'narrow', 'few levels', 'flat'])
def test_histogram_operations_are_pillows(photo, change):
    image = change(photo)
    assert difference(pixels.auto_contrast(image),
                      ImageOps.autocontrast(Image.fromarray(image))) <= 1
    assert difference(pixels.equalize(image), ImageOps.equalize(Image.fromarray(image))) == 0


def test_invert_and_threshold_operations_are_pillows(photo):
    image = Image.fromarray(photo)
    assert difference(pixels.invert(photo), ImageOps.invert(image)) == 0
    for bits in range(1, 9):
        assert difference(pixels.posterize(photo, bits), ImageOps.posterize(image, bits)) == 0
    assert pixels.posterize(photo, 0).max() == 0
    for threshold in (0, 1, 128, 200, 255, 256):
        assert difference(pixels.solarize(photo, threshold),
                          ImageOps.solarize(image, threshold)) == 0


def test_solarize_add_adds_below_128_only():
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    ours = pixels.solarize_add(levels, 150)[0, :, 0].tolist()
    assert ours == [min(255, v + 150) if v < 128 else v for v in range(256)]

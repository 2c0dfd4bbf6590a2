"""Batched point operations against Pillow and torchvision, every sample with its own argument."""

import numpy as np
import pytest
import torch
from batches import differences, to_batch, to_images, variants
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import functional

from infomin_plugin.datasets.transforms.batched import pixels

SIZES = [None, (37, 53), (1, 40), (40, 1), (1, 1)]


def enhance(enhancer):
    return lambda image, factor: enhancer(Image.fromarray(image)).enhance(factor)


def pillow(function):
    return lambda image, *arguments: function(Image.fromarray(image), *arguments)


def turned(image, shift):
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    return functional.adjust_hue(tensor, shift).permute(1, 2, 0).numpy()


def posterized(image, bits):
    # Pillow refuses 0 bits
    return ImageOps.posterize(Image.fromarray(image), bits) if bits else np.zeros_like(image)


def brightened_below_128(image, amount):
    return np.where(image < 128, np.minimum(image.astype(int) + amount, 255), image)


FACTORS = [0, 0.2, 0.55, 0.99, 1, 1.37, 1.8, 1.9, 3]
SHIFTS = [-0.5, -0.2, -0.07, 0, 0.01, 0.13, 0.2, 0.4, 0.5]
# Operation, reference, values, largest difference.
CASES = dict(
    brightness=(pixels.brightness, enhance(ImageEnhance.Brightness), FACTORS, 0),
    contrast=(pixels.contrast, enhance(ImageEnhance.Contrast), FACTORS, 0),
    saturation=(pixels.saturation, enhance(ImageEnhance.Color), FACTORS, 0),
    hue=(pixels.hue, turned, SHIFTS, 1),
    posterize=(pixels.posterize, posterized, list(range(9)), 0),
    solarize=(pixels.solarize, pillow(ImageOps.solarize), [0, 1, 77, 128, 200, 254, 255, 256], 0),
    solarize_add=(pixels.solarize_add, brightened_below_128, [0, 1, 50, 110, 127, 128, 255], 0))


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('name', CASES)
def test_each_sample_gets_its_argument(photo, name, size):
    operation, reference, values, bound = CASES[name]
    images = [image for value in values for image in variants(photo, 8, size)]
    arguments = np.repeat(values, 8)
    references = [reference(image, value) for image, value in zip(
        images, arguments.tolist(), strict=True)]
    assert differences(operation(to_batch(images), arguments), references).max() <= bound


WITHOUT_ARGUMENT = dict(
    grey=(pixels.grey, lambda image: Image.fromarray(image).convert('L').convert('RGB'), 0),
    # Pillow's scale is rounded before it multiplies, so that some whole numbers come out below
    auto_contrast=(pixels.auto_contrast, pillow(ImageOps.autocontrast), 1),
    equalize=(pixels.equalize, pillow(ImageOps.equalize), 0),
    invert=(pixels.invert, pillow(ImageOps.invert), 0))


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('name', WITHOUT_ARGUMENT)
def test_operations_without_argument(photo, name, size):
    operation, reference, bound = WITHOUT_ARGUMENT[name]
    images = variants(photo, 8, size)
    result = operation(to_batch(images))
    assert differences(result, map(reference, images)).max() <= bound
    for image in images:  # one alone
        assert differences(operation(to_batch([image])), [reference(image)]).max() <= bound


def test_auto_contrast_of_a_ramp_is_the_closed_form():
    ramp = np.repeat(np.arange(50, 181, dtype=np.uint8)[None, :, None], 3, axis=2)
    expected = [(level - 50) * 255 // 130 for level in range(50, 181)]
    ours = to_images(pixels.auto_contrast(to_batch([ramp])))
    assert ours[0, 0, :, 1].tolist() == expected


def test_hue_of_pure_colours():
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    ours = to_images(pixels.hue(to_batch([primaries] * 2), np.array([1 / 3, -1 / 3])))
    assert ours[0].tolist() == [[[0, 255, 0], [0, 0, 255], [255, 0, 0], [90, 90, 90]]]
    assert ours[1].tolist() == [[[0, 0, 255], [255, 0, 0], [0, 255, 0], [90, 90, 90]]]


def test_colour_spaces_are_floats_and_may_be_mixed(photo):
    batch = to_batch([photo] * 3)
    out = pixels.color_space(batch, np.array(['YDbDr', 'YIQ', 'YPbPr']))
    assert out.dtype == torch.float32 and out.shape == batch.shape
    red, green, blue = (photo / 255.).transpose(2, 0, 1)
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(out[:, 0], np.stack([luminance] * 3), atol=1e-5)
    # The definitions; the matrices in use are rounded to three digits.
    np.testing.assert_allclose(out[0, 1], 1.505 * (blue - luminance), atol=2e-3)
    np.testing.assert_allclose(out[0, 2], -1.902 * (red - luminance), atol=2e-3)
    np.testing.assert_allclose(out[1, 1], 0.736 * (red - luminance) - 0.268 * (blue - luminance),
                               atol=2e-3)
    np.testing.assert_allclose(out[1, 2], 0.478 * (red - luminance) + 0.413 * (blue - luminance),
                               atol=2e-3)
    np.testing.assert_allclose(out[2, 1], 0.564 * (blue - luminance), atol=1e-3)
    np.testing.assert_allclose(out[2, 2], 0.713 * (red - luminance), atol=1e-3)

"""Batched blurs and sharpening against their definitions, every sample with its own width."""

import numpy as np
import pytest
from batches import differences, to_batch, variants
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

from infomin_plugin.datasets.transforms.batched import filters

SIGMAS = np.array([0.1, 0.2, 0.3, 0.55, 0.7, 1.1, 1.6, 1.95, 2.0])
SIZES = [None, (37, 53), (25, 12)]


def blurred(image, sigma, taps):
    radius = taps // 2
    kernel = np.exp(-np.arange(-radius, radius + 1)**2 / (2 * sigma**2))
    reference = image.astype(float)
    for axis in (0, 1):  # scipy's 'mirror' does not repeat the edge
        reference = ndimage.correlate1d(reference, kernel / kernel.sum(), axis, mode='mirror')
    return reference


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('taps', [23, 7])
def test_gaussian_blur_is_the_nearest_level_to_the_definition(photo, size, taps):
    images = variants(photo, len(SIGMAS), size)
    references = [blurred(image, sigma, taps) for image, sigma in zip(images, SIGMAS, strict=True)]
    ours = filters.gaussian_blur(to_batch(images), SIGMAS, np.full(len(SIGMAS), taps))
    # The border too. Half a level is rounding, the rest the taps beyond 4 sigma.
    assert differences(ours, references).max() <= 0.53


def test_numbers_of_taps_may_be_mixed(photo):
    sigmas, taps = np.array([2., 2., 0.4, 5.]), np.array([3, 23, 9, 41])
    ours = filters.gaussian_blur(to_batch([photo] * 4), sigmas, taps)
    references = [blurred(photo, *arguments) for arguments in zip(sigmas, taps, strict=True)]
    assert differences(ours, references).max() <= 0.53


@pytest.mark.parametrize('size', [*SIZES, (1, 40), (1, 1), (3, 2)], ids=str)
def test_box_blur_is_pillows(photo, size):
    sigmas = np.append(SIGMAS, [3.3, 7])  # boxes of other sizes
    images = variants(photo, len(sigmas), size)
    error = differences(filters.box_blur(to_batch(images), sigmas), [
        Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma))
        for image, sigma in zip(images, sigmas, strict=True)])
    assert error.max() <= 1
    assert error.size < 1000 or error.mean() < 0.01  # few pixels have no mean


@pytest.mark.parametrize('side', [1, 2, 5, 12])
def test_small_images_are_blurred(side):
    images = to_batch([np.full((side, side, 3), 93, np.uint8)] * 2)
    sigmas = np.array([2., 0.3])
    assert (filters.gaussian_blur(images, sigmas, np.array([23, 23])) == 93).all()
    assert (filters.box_blur(images, sigmas) == 93).all()


@pytest.mark.parametrize('size', [None, (37, 53), (1, 40), (2, 2), (3, 3)], ids=str)
def test_sharpness_is_pillows(photo, size):
    factors = np.array([0, 0.1, 0.55, 0.99, 1, 1.3, 1.9, 4])
    images = variants(photo, len(factors), size)
    references = [ImageEnhance.Sharpness(Image.fromarray(image)).enhance(factor)
                  for image, factor in zip(images, factors, strict=True)]
    error = differences(filters.sharpness(to_batch(images), factors), references)
    assert error.max() <= 1
    assert error.mean() < 1e-3

"""Both blurs against their definitions."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage, stats

from infomin_plugin.datasets.transforms import GaussianBlur
from infomin_plugin.datasets.transforms.operations.filters import box_blur, gaussian_blur

SIGMAS = [0.1, 0.3, 0.7, 1.1, 1.6, 2.0]


@pytest.mark.parametrize('sigma', SIGMAS)
def test_23_taps_with_reflected_border(photo, sigma):
    taps = np.exp(-np.arange(-11, 12)**2 / (2 * sigma**2))
    taps /= taps.sum()
    reference = photo.astype(float)
    for axis in (0, 1):  # scipy's 'mirror' does not repeat the edge
        reference = ndimage.correlate1d(reference, taps, axis, mode='mirror')
    ours = gaussian_blur(photo, sigma, 23)
    assert np.abs(ours - reference).max() <= 1


@pytest.mark.parametrize('sigma', SIGMAS)
def test_pillows_blur(photo, sigma):
    reference = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(sigma)))
    error = np.abs(box_blur(photo, sigma).astype(int) - reference.astype(int))
    # The border too. Pillow computes the radius in single precision: some pixels round otherwise.
    assert error.max() <= 1
    assert error.mean() < 0.01


def test_the_two_blurs_differ_at_the_border_and_for_small_sigma(photo):
    assert not np.array_equal(gaussian_blur(photo, 2, 23)[:, 0], box_blur(photo, 2)[:, 0])
    difference = gaussian_blur(photo, 0.3, 23).astype(int) - box_blur(photo, 0.3)
    assert np.abs(difference).max() > 4


@pytest.mark.parametrize('size', [1, 2, 5, 12])
def test_small_images_are_blurred(size):
    image = np.full((size, size, 3), 93, np.uint8)
    assert (gaussian_blur(image, 2, 23) == 93).all()
    assert (box_blur(image, 2) == 93).all()


@pytest.mark.parametrize('kernel_size, name', [(23, 'gaussian_blur'), (None, 'box_blur')])
def test_sigma_is_uniform(kernel_size, name):
    blur = GaussianBlur((0.1, 2.0), kernel_size)
    changes = [change for _ in range(1500) for change in blur.draw((1, 1))]
    assert {change.name for change in changes} == {name} and len(changes) == 1500
    drawn = [change.arguments[0] for change in changes]
    assert stats.kstest(drawn, stats.uniform(0.1, 1.9).cdf).pvalue > 1e-3


@pytest.mark.parametrize('arguments, message', [
    (dict(sigma=(0, 2)), 'sigma must be above 0'),
    (dict(sigma=2.0), 'sigma must be a pair'),
    (dict(kernel_size=22), 'kernel_size must be odd, got 22'),
    (dict(kernel_size=-1), 'kernel_size must be at least 1'),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        GaussianBlur(**arguments)

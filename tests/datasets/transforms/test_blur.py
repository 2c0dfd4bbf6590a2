"""Both blurs against their definitions."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage, stats

from infomin_plugin.datasets.transforms import GaussianBlur

SIGMAS = [0.1, 0.3, 0.7, 1.1, 1.6, 2.0]


@pytest.mark.parametrize('sigma', SIGMAS)
def test_23_taps_with_reflected_border(photo, sigma):
    taps = np.exp(-np.arange(-11, 12)**2 / (2 * sigma**2))
    taps /= taps.sum()
    reference = photo.astype(float)
    for axis in (0, 1):  # scipy's 'mirror' does not repeat the edge
        reference = ndimage.correlate1d(reference, taps, axis, mode='mirror')
    ours = GaussianBlur((0.1, 2.0), 23).blur(photo, sigma)
    assert np.abs(ours - reference).max() <= 1


@pytest.mark.parametrize('sigma', SIGMAS)
def test_pillows_blur(photo, sigma):
    reference = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(sigma)))
    ours = GaussianBlur((0.1, 2.0)).blur(photo, sigma)
    error = np.abs(ours.astype(int) - reference.astype(int))
    # Pillow rounds to whole levels after each of its six passes.
    assert error[8:-8, 8:-8].max() <= 3
    assert error[8:-8, 8:-8].mean() < 0.5
    assert abs(np.mean(ours[8:-8, 8:-8].astype(int) - reference[8:-8, 8:-8])) < 0.05
    # Each of its passes repeats the edge, ours does it once.
    assert error.max() <= 12


def test_the_two_blurs_differ_at_the_border_and_for_small_sigma(photo):
    taps, boxes = GaussianBlur((0.1, 2.0), 23), GaussianBlur((0.1, 2.0))
    assert not np.array_equal(taps.blur(photo, 2)[:, 0], boxes.blur(photo, 2)[:, 0])
    assert np.abs(taps.blur(photo, 0.3).astype(int) - boxes.blur(photo, 0.3)).max() > 4


def test_small_images_are_blurred():
    for size in (1, 5, 12):
        image = np.full((size, size, 3), 93, np.uint8)
        assert (GaussianBlur((1, 2), 23)(dict(img=image))['img'] == 93).all()


def test_sigma_is_uniform():
    drawn = []

    class Recorder(GaussianBlur):

        def blur(self, img, sigma):
            drawn.append(sigma)
            return img

    blur = Recorder((0.1, 2.0), 23)
    for _ in range(1500):
        blur(dict(img=np.zeros((1, 1, 3), np.uint8)))
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

"""Jitter, greyscale and colour spaces."""

import itertools

import numpy as np
import pytest
from scipy import stats

from infomin_plugin.datasets.transforms import ColorJitter, ColorSpace, RandomGrayscale

LEVEL = 1e-3


def test_jitter_factors_are_uniform_and_orders_equally_likely():
    jitter = ColorJitter(0.8, 0.8, 0.8, 0.2)
    draws = [jitter.draw((1, 1)) for _ in range(2400)]
    names = ('brightness', 'contrast', 'saturation', 'hue')
    counts = [sum(tuple(change.name for change in changes) == order for changes in draws)
              for order in itertools.permutations(names)]
    assert sum(counts) == 2400
    assert stats.chisquare(counts).pvalue > LEVEL
    for name in names:
        factors = [change.arguments[0] for changes in draws for change in changes
                   if change.name == name]
        nominal = stats.uniform(-0.2, 0.4) if name == 'hue' else stats.uniform(0.2, 1.6)
        assert stats.kstest(factors, nominal.cdf).pvalue > LEVEL


def test_jitter_ranges():
    ranges = ColorJitter(brightness=1.5, contrast=(0.7, 0.9), hue=(0, 0.1)).ranges
    assert ranges == [('brightness', (0, 2.5)), ('contrast', (0.7, 0.9)), ('hue', (0, 0.1))]
    assert ColorJitter().draw((1, 1)) == []


def test_jitter_does_what_it_draws(photo):
    out = ColorJitter(brightness=(0.5, 0.5))(dict(img=photo))['img']
    assert np.abs(out - photo / 2).max() <= 1


def test_greyscale_probability(photo):
    corner = photo[:4, :4]
    outputs = [RandomGrayscale(0.2)(dict(img=corner))['img'] for _ in range(1000)]
    grey = sum((out[..., 0] == out[..., 1]).all() and not np.array_equal(out, corner)
               for out in outputs)
    assert stats.binomtest(grey, 1000, 0.2).pvalue > LEVEL


def test_ydbdr_is_the_scaled_colour_difference(photo):
    out = ColorSpace('YDbDr')(dict(img=photo))['img']
    red, green, blue = (photo / 255.).transpose(2, 0, 1)
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    assert out.dtype == np.float32 and out.shape == photo.shape
    np.testing.assert_allclose(out[..., 0], luminance, atol=1e-5)
    # SECAM's definition; the matrix in use is rounded to three digits.
    np.testing.assert_allclose(out[..., 1], 1.505 * (blue - luminance), atol=2e-3)
    np.testing.assert_allclose(out[..., 2], -1.902 * (red - luminance), atol=2e-3)


@pytest.mark.parametrize('space', ['YDbDr', 'YIQ', 'YPbPr'])
def test_grey_has_no_chrominance_in_any_space(space):
    white = np.full((9, 2, 2, 3), 255, np.uint8)
    out = ColorSpace(space)(dict(img=white))['img']
    assert out.shape == (9, 2, 2, 3)
    np.testing.assert_allclose(out[..., 0], 1, atol=1e-5)
    np.testing.assert_allclose(out[..., 1:], 0, atol=1e-5)


def test_yiq_and_ypbpr_of_primaries():
    blue = np.array([[[0, 0, 255]]], np.uint8)
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert ColorSpace('YPbPr')(dict(img=blue))['img'][0, 0, 1] == pytest.approx(0.5)
    assert ColorSpace('YPbPr')(dict(img=red))['img'][0, 0, 2] == pytest.approx(0.5)
    # colorsys of the standard library uses other roundings of NTSC's numbers
    assert ColorSpace('YIQ')(dict(img=red))['img'][0, 0].tolist() == pytest.approx(
        [0.299, 0.596, 0.212], abs=1e-3)


@pytest.mark.parametrize('build, message', [
    (lambda: ColorJitter(brightness=-1), 'brightness must be in'),
    (lambda: ColorJitter(hue=0.6), r'hue must be in \[0, 0.5\], got 0.6'),
    (lambda: ColorJitter(contrast='strong'), 'contrast must be'),
    (lambda: RandomGrayscale(2), r'prob must be in \[0, 1\]'),
    (lambda: ColorSpace('HSV'), "space must be one of .*YDbDr.*got 'HSV'"),
])
def test_bad_arguments_are_named(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()


@pytest.mark.parametrize('strength', [0.0, 0.25, 2.5])
def test_strength_is_a_factor_of_all_four(strength):
    numbers = dict(brightness=0.8, contrast=0.4, saturation=0.6, hue=0.2)
    ours = ColorJitter(**numbers, strength=strength)
    scaled = ColorJitter(**{name: strength * value for name, value in numbers.items()})
    assert ours.ranges == scaled.ranges and len(ours.ranges) == (4 if strength else 0)


@pytest.mark.parametrize('settings, message', [
    (dict(hue=0.2, strength=3), r'hue must be in \[0, 0.5\], got 0.6'),
    (dict(brightness=(0.5, 1), strength=2), r'strength multiplies numbers, got the range \(0.5, 1'),
    (dict(brightness=0.5, strength=-1), 'strength must be'),
])
def test_strengths_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        ColorJitter(**settings)

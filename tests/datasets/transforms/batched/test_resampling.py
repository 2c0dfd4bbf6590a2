"""Batched operations that move pixels against Pillow, each sample moved in its own way."""

import itertools

import numpy as np
import pytest
from batches import differences, to_batch, variants
from PIL import Image

from infomin_plugin.datasets.transforms.batched import resampling

FILLS = [(124, 116, 104), (0, 0, 0), (255, 3, 200)]
RESAMPLE = {False: Image.Resampling.BILINEAR, True: Image.Resampling.BICUBIC}


def moved(image, matrix, cubic, fill):
    return Image.fromarray(image).transform(
        image.shape[1::-1], Image.Transform.AFFINE, matrix, RESAMPLE[cubic], fillcolor=fill)


REFERENCES = dict(
    rotate=lambda image, degrees, cubic, fill: Image.fromarray(image).rotate(
        degrees, RESAMPLE[cubic], fillcolor=fill),
    shear_x=lambda image, slope, *rest: moved(image, (1, slope, 0, 0, 1, 0), *rest),
    shear_y=lambda image, slope, *rest: moved(image, (1, 0, 0, slope, 1, 0), *rest),
    translate_x=lambda image, share, *rest: moved(
        image, (1, 0, share * image.shape[1], 0, 1, 0), *rest),
    translate_y=lambda image, share, *rest: moved(
        image, (1, 0, 0, 0, 1, share * image.shape[0]), *rest))
VALUES = dict(
    rotate=[-180, -90, -30, -29.3, -4.7, 0, 0.01, 13, 30, 77.7, 90, 135],
    shear_x=[-1.3, -0.3, -0.291, -0.05, 0, 0.0001, 0.25, 0.3, 0.7],
    shear_y=[-1.3, -0.3, -0.291, -0.05, 0, 0.0001, 0.25, 0.3, 0.7],
    translate_x=[-1.2, -1, -0.45, -0.4321, -0.1, 0, 0.003, 0.25, 0.45, 0.99],
    translate_y=[-1.2, -1, -0.45, -0.4321, -0.1, 0, 0.003, 0.25, 0.45, 0.99])


def check(name, images, values, cubics, fills):
    references = [REFERENCES[name](*row) for row in zip(images, values, cubics, fills, strict=True)]
    ours = getattr(resampling, name)(
        to_batch(images), np.array(values), np.array(cubics), np.array(fills))
    error = differences(ours, references)
    # Borders too. Pillow truncates, so that its rounding noise takes a level from whole ones.
    assert error.max() <= 1
    return error


@pytest.mark.parametrize('size', [None, (37, 53), (64, 64)], ids=str)
@pytest.mark.parametrize('name', REFERENCES)
def test_each_sample_moves_as_in_pillow(photo, name, size):
    values, cubics = zip(*itertools.product(VALUES[name], (False, True)), strict=True)
    fills = [FILLS[i % 3] for i in range(len(values))]
    error = check(name, variants(photo, len(values), size), values, cubics, fills)
    assert np.median(error.mean((1, 2, 3))) < 0.01


@pytest.mark.parametrize('cubic', [False, True])
@pytest.mark.parametrize('size', [(40, 40), (1, 40), (40, 1), (1, 1), (2, 3)], ids=str)
@pytest.mark.parametrize('name', REFERENCES)
def test_one_sample_of_any_size(photo, name, size, cubic):
    for value in VALUES[name]:
        image, = variants(photo, 1, size)
        check(name, [image], [value], [cubic], FILLS[:1])


@pytest.mark.parametrize('name', REFERENCES)
def test_edges_of_views_are_decided_as_in_pillow(photo, name):
    """Continuous draws on views of 224: no pixel at the edge takes the wrong side."""
    image, = variants(photo, 1, (224, 224))
    values = np.random.uniform(*((-30, 30) if name == 'rotate' else (-0.45, 0.45)), 40)
    cubics = np.random.randint(2, size=40) == 1
    check(name, [image] * 40, values.tolist(), cubics.tolist(), [(255, 0, 255)] * 40)


def test_a_shift_by_whole_pixels_copies(photo):
    image, = variants(photo, 1, (50, 100))
    batch = to_batch([image] * 2)
    out = resampling.translate_x(batch, np.array([0.07, -0.29]), np.array([True, False]),
                                 np.array(FILLS[:2]))
    np.testing.assert_array_equal(out[0, :, :, :93], batch[0, :, :, 7:])
    np.testing.assert_array_equal(out[1, :, :, 29:], batch[1, :, :, :71])
    assert (out[1, :, :, :29] == 0).all()
    np.testing.assert_array_equal(out[0, :, 3, 99], FILLS[0])


def test_flat_images_stay_flat():
    images = to_batch([np.full((31, 31, 3), level, np.uint8) for level in (1, 93, 254)])
    values = np.array([12.3, -7, 29])
    fills = np.array([[1] * 3, [93] * 3, [254] * 3])
    for name in REFERENCES:
        for cubic in (False, True):
            out = getattr(resampling, name)(images, values / 100 if name != 'rotate' else values,
                                            np.full(3, cubic), fills)
            assert (out == images).all()

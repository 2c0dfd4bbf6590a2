"""RandAugment: its tables against the published rules, its draws against closed forms."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage, stats

from infomin_plugin.datasets.transforms import RandAugment
from infomin_plugin.datasets.transforms.changes import apply_change
from infomin_plugin.datasets.transforms.operations import OPERATIONS
from infomin_plugin.datasets.transforms.rand_augment import AUGMENTATIONS

LEVEL = 1e-3
FILL = (124, 116, 104)
INNER = np.s_[20:-20, 20:-20]


@pytest.mark.parametrize('magnitude', [10, 9.7, 5, 0.2, 0])
def test_arguments_follow_the_authors_rules(magnitude):
    arguments = {name: row.argument(magnitude) for name, row in AUGMENTATIONS.items()
                 if row and row.argument}
    factor = 0.1 + 1.8 * magnitude / 10
    assert arguments == pytest.approx(dict(
        Rotate=3 * magnitude, Posterize=int(magnitude / 10 * 4),
        Solarize=int(magnitude / 10 * 256), SolarizeAdd=int(magnitude / 10 * 110),
        Color=factor, Contrast=factor, Brightness=factor, Sharpness=factor,
        ShearX=0.03 * magnitude, ShearY=0.03 * magnitude,
        TranslateX=0.045 * magnitude, TranslateY=0.045 * magnitude))


def test_geometric_operations():
    geometric = {name for name, row in AUGMENTATIONS.items() if row and row.geometric}
    assert geometric == {'Rotate', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY'}
    assert RandAugment(['Identity'], prob=1).draw((1, 1)) == []


class Recorder(RandAugment):
    """Notes the names that fire."""

    def draw_change(self, name, random=np.random):
        change, = super().draw_change(name, random)
        self.fired.append((name, change.arguments))
        return [change]


def test_draws_are_distributed_as_published():
    names = [name for name in AUGMENTATIONS if name != 'Identity']
    augment = Recorder(names)
    augment.fired = fired = []
    lengths, pairs = [], []
    for _ in range(4000):
        before = len(fired)
        lengths.append(len(augment.draw((1, 1))))
        assert lengths[-1] == len(fired) - before
        pairs += [fired[before:]] if lengths[-1] == 2 else []
    # Two draws, each fires with probability 0.5.
    assert stats.chisquare(np.bincount(lengths), [1000, 2000, 1000]).pvalue > LEVEL
    # 15 operations, equally likely.
    counts = [sum(name == other for other, _ in fired) for name in names]
    assert len(names) == 15
    assert stats.chisquare(counts).pvalue > LEVEL
    # With replacement: both are the same in 1 of 15.
    same = sum(first[0] == second[0] for first, second in pairs)
    assert stats.binomtest(same, len(pairs), 1 / 15).pvalue > LEVEL
    # Magnitude: clip(N(10, 0.5), 0, 10): half of the draws at 10, the rest a half normal.
    magnitudes = np.array([abs(arguments[0]) / 0.03 for name, arguments in fired
                           if name.startswith('Shear')])
    assert magnitudes.max() == pytest.approx(10)
    full = np.isclose(magnitudes, 10)
    assert stats.binomtest(int(full.sum()), len(magnitudes), 0.5).pvalue > LEVEL
    below = 10 - magnitudes[~full]
    assert stats.kstest(below, stats.halfnorm(scale=0.5).cdf).pvalue > LEVEL


def sampled(photo, matrix):
    """Sample a photo bilinearly at matrix @ (x, y, 1), pixel centres at half-integers."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    a, b, c, d, e, f = matrix
    at = [d * x + e * y + f - 0.5, a * x + b * y + c - 0.5]
    outside = (at[0] < -0.5) | (at[0] >= height - 0.5) | (at[1] < -0.5) | (at[1] >= width - 0.5)
    channels = [ndimage.map_coordinates(photo[..., i].astype(float), at, order=1, mode='nearest')
                for i in range(3)]
    image = np.stack(channels, axis=-1)
    image[outside] = FILL
    return image


def candidates(photo, name, magnitude, draws=24):
    """All different results of an operation: two signs, two interpolations."""
    augment = RandAugment([name], magnitude=magnitude, magnitude_std=0)
    outputs = [apply_change(photo, *augment.draw_change(name)) for _ in range(draws)]
    return list({out.tobytes(): out for out in outputs}.values())


def matrices(name, magnitude, height, width):
    part = magnitude / 10
    for sign in (1, -1):
        if name == 'Rotate':
            angle = sign * np.radians(30 * part)
            cos, sin = np.cos(angle), np.sin(angle)
            x, y = width / 2, height / 2
            # Output pixels look up where they come from: counter-clockwise, y down.
            yield cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y
        else:
            yield {'ShearX': (1, sign * 0.3 * part, 0, 0, 1, 0),
                   'ShearY': (1, 0, 0, sign * 0.3 * part, 1, 0),
                   'TranslateX': (1, 0, sign * 0.45 * part * width, 0, 1, 0),
                   'TranslateY': (1, 0, 0, 0, 1, sign * 0.45 * part * height)}[name]


@pytest.mark.parametrize('magnitude', [10, 9.13, 3.7])
@pytest.mark.parametrize('name', ['Rotate', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY'])
def test_geometric_operations_are_affine_maps_filled_with_the_mean(photo, name, magnitude):
    results = candidates(photo, name, magnitude)
    for matrix in matrices(name, magnitude, *photo.shape[:2]):
        reference = sampled(photo, matrix)
        errors = [np.abs(result - reference) for result in results]
        closest = min(errors, key=np.mean)
        # Everywhere, the border too, up to pixels that lie on the edge of the filled region, whose
        # position is a whole number up to rounding: less than one a row.
        assert (closest.max(axis=2) > 1.001).mean() < 1 / photo.shape[1]
        # The bicubic results of the same sign: the same picture, a little sharper.
        assert sum(error.mean() < 4 for error in errors) == (1 if magnitude == 10 and name in (
            'TranslateX', 'TranslateY') else 2)


@pytest.mark.parametrize('resample', [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
@pytest.mark.parametrize('share', [-1, -0.837, -0.1, 0.004, 0.5, 1])
def test_geometric_operations_are_pillows(photo, share, resample):
    image, cubic = Image.fromarray(photo), resample == Image.Resampling.BICUBIC
    height, width = photo.shape[:2]
    reference = image.rotate(30 * share, resample, fillcolor=FILL)
    np.testing.assert_array_equal(OPERATIONS['rotate'](photo, 30 * share, cubic, FILL), reference)
    for name, argument, matrix in [
            ('shear_x', 0.3 * share, (1, 0.3 * share, 0, 0, 1, 0)),
            ('shear_y', 0.3 * share, (1, 0, 0, 0.3 * share, 1, 0)),
            ('translate_x', 0.45 * share, (1, 0, 0.45 * share * width, 0, 1, 0)),
            ('translate_y', 0.45 * share, (1, 0, 0, 0, 1, 0.45 * share * height)),
            ('translate_x', 2 * share, (1, 0, 2 * share * width, 0, 1, 0))]:  # may leave nothing
        reference = image.transform(image.size, Image.Transform.AFFINE, matrix, resample,
                                    fillcolor=FILL)
        error = np.abs(OPERATIONS[name](photo, argument, cubic, FILL) - np.asarray(reference, int))
        # Borders too. Pillow truncates, so that its rounding noise takes a level from whole ones.
        assert error.max() <= 1


@pytest.mark.parametrize('name', ['Rotate', 'ShearX', 'TranslateY'])
def test_signs_and_interpolations_are_equally_likely(name):
    augment = RandAugment([name], magnitude=8.3, magnitude_std=0)
    drawn = [augment.draw_change(name)[0].arguments for _ in range(800)]
    counts = [drawn.count(arguments) for arguments in set(drawn)]
    assert len(counts) == 4
    assert {-arguments[0] for arguments in drawn} == {arguments[0] for arguments in drawn}
    assert stats.chisquare(counts).pvalue > LEVEL


def test_magnitude_reaches_the_operation(photo):
    out = RandAugment(['Brightness'], 1, magnitude=2, magnitude_std=0, prob=1)(dict(img=photo))
    reference = ImageEnhance.Brightness(Image.fromarray(photo)).enhance(0.46)
    assert np.abs(out['img'].astype(int) - np.asarray(reference)).max() <= 1


@pytest.mark.parametrize('arguments, message', [
    (dict(ops=[]), 'ops must be a list of one operation or more'),
    (dict(ops=['Sharpen']), "ops must be one of .*Sharpness.*got 'Sharpen'"),
    (dict(ops=['Rotate'], num_ops=0), 'num_ops must be at least 1, got 0'),
    (dict(ops=['Rotate'], magnitude=11), r'magnitude must be in \[0, 10\], got 11'),
    (dict(ops=['Rotate'], prob=-1), r'prob must be in \[0, 1\], got -1'),
    (dict(ops=['Rotate'], fill=(0, 0, 300)), r'fill must be in \[0, 255\], got 300'),
    (dict(ops=['Rotate'], fill=(0, 0)), 'fill must be three numbers'),
])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RandAugment(**arguments)

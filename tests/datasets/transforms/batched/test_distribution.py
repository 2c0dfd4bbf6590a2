"""Both homes are distributed as published: read off from pixels of images made to show it."""

import colorsys
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from batches import to_batch, to_images, variants
from mmengine.config import Config
from PIL import Image, ImageEnhance, ImageOps
from recipe_checks import check_infomin_aug, draw
from scipy import stats

from infomin_plugin.datasets.transforms import build_recipe
from infomin_plugin.datasets.transforms.batched.recipe import BatchedRecipe
from infomin_plugin.datasets.transforms.changes import Change, apply_change

RECIPE = Path(__file__).parents[4] / 'configs' / '_base_' / 'recipes' / 'infomin_aug.py'
LEVEL = 1e-3  # significance of each test; seeds are fixed
FILL = (124, 116, 104)


def on_device(recipe, image, number):
    """Apply a recipe to copies of an image, in batches of 256."""
    built, outputs = BatchedRecipe(recipe), []
    for start in range(0, number, 256):
        outputs.append(to_images(built(to_batch([image] * min(256, number - start)))))
    return np.concatenate(outputs)


def in_workers(recipe, image, number):
    """Likewise, one by one."""
    steps, outputs = build_recipe(recipe), []
    for _ in range(number):
        results = dict(img=image)
        for step in steps:
            results = step(results)
        outputs.append(results['img'])
    return np.stack(outputs)


HOMES = dict(device=on_device, workers=in_workers)


@pytest.fixture(params=HOMES)
def home(request):
    torch.manual_seed(20)
    return HOMES[request.param]


def infomin():
    return Config.fromfile(RECIPE).infomin_aug[2:]


def jitter(**ranges):
    return [dict(type='ColorJitter', **ranges)]


def coloured(*colours):
    """An image one pixel high."""
    return np.array([colours], np.uint8)


def check_uniform(values, low, high, resolution):
    """KS against a uniform distribution, the steps between grey levels filled evenly."""
    values = values + np.random.uniform(-resolution / 2, resolution / 2, len(values))
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > LEVEL
    # A tenth off at either end would be seen.
    for ends in ((low, high + (high - low) / 10), (low - (high - low) / 10, high)):
        assert stats.kstest(values, stats.uniform(ends[0], ends[1] - ends[0]).cdf).pvalue < LEVEL


def check_rate(hits, expected):
    assert stats.binomtest(int(np.sum(hits)), len(hits), expected).pvalue > LEVEL
    assert stats.binomtest(int(np.sum(hits)), len(hits), expected + 0.06).pvalue < LEVEL


def test_brightness(home):
    out = home(jitter(brightness=0.8), coloured([140] * 3), 2000)
    check_uniform((out[:, 0, 0, 0] + 0.5) / 140, 0.2, 1.8, 1 / 140)


def test_contrast(home):
    # 128 + factor * (+-64): the distance between the two is 128 factor
    out = home(jitter(contrast=0.8), coloured([64] * 3, [192] * 3), 2000).astype(float)
    check_uniform((out[:, 0, 1, 0] - out[:, 0, 0, 0]) / 128, 0.2, 1.8, 1 / 128)


def test_saturation(home):
    out = home(jitter(saturation=0.8), coloured([150, 90, 90]), 2000).astype(float)
    check_uniform((out[:, 0, 0, 0] - out[:, 0, 0, 1]) / 60, 0.2, 1.8, 1 / 60)


def test_hue(home):
    out = home(jitter(hue=0.2), coloured([250, 10, 10]), 2000)[:, 0, 0]
    turns = np.array([colorsys.rgb_to_hsv(*map(float, colour))[0] for colour in out])
    check_uniform((turns + 0.5) % 1 - 0.5, -0.2, 0.2, 1 / 240 / 6)


def test_orders_of_jitter_are_equally_likely(home):
    settings = dict(brightness=1.8, contrast=3, saturation=3, hue=0.2)  # much is clipped
    image = np.random.randint(0, 256, (12, 16, 3), np.uint8)
    references = []
    for order in itertools.permutations(settings):
        reference = image
        for name in order:
            reference = apply_change(reference, Change(name, (settings[name], )))
        references.append(reference.astype(float))
    out = home(jitter(**{name: (value, value) for name, value in settings.items()}), image, 1500)
    counts = np.bincount(nearest(out, references, tolerance=0.1), minlength=24)
    assert stats.chisquare(counts).pvalue > LEVEL


def nearest(images, references, tolerance=0.3):
    """Which reference each image is: there is no doubt about it."""
    references = np.stack(references).astype(float)
    apart = np.abs(references[:, None] - references[None]).mean((2, 3, 4))
    assert apart[~np.eye(len(references), dtype=bool)].min() > 2 * tolerance
    errors = np.stack([np.abs(images - reference).mean((1, 2, 3)) for reference in references])
    assert errors.min(0).max() < tolerance
    return errors.argmin(0)


@pytest.mark.parametrize('step, probability', [(0, 0.8), (1, 0.5)])
def test_rates_of_jitter_and_blur(home, photo, step, probability):
    image, = variants(photo, 1, (16, 20))
    out = home([infomin()[step]], image, 1500)
    # A blur of sigma below 0.25 shows nowhere.
    shown = (2 - 0.25) / 1.9 if step == 1 else 1
    check_rate((out != image).any((1, 2, 3)), probability * shown)


def test_rate_of_grey_in_the_whole_recipe(home):
    # Nothing else makes these colours grey, but for the rare jitter that is weak in all respects.
    out = home(infomin(), coloured([160, 90, 40], [40, 90, 160]), 1500)
    check_rate((out == out[..., :1]).all((1, 2, 3)), 0.2)


def test_width_of_blur(home):
    line = np.zeros((1, 41, 3), np.uint8)
    line[:, 20] = 255
    out = home([dict(type='GaussianBlur', sigma=(0.1, 2.0), kernel_size=23)], line, 1500)
    sigmas = np.linspace(0.1, 2, 4000)
    peaks = [255 / np.exp(-np.arange(-11, 12)**2 / (2 * sigma**2)).sum() for sigma in sigmas]
    # The other way round: the peak falls as sigma grows.
    levels = out[:, 0, 20, 0] + np.random.uniform(-0.5, 0.5, len(out))
    drawn = np.interp(-levels, -np.array(peaks), sigmas)
    wide = drawn > 0.5  # below, the peak hardly falls
    check_rate(wide, 1.5 / 1.9)
    check_uniform(drawn[wide], 0.5, 2, 0)


def augmented(image):
    """RandAugment's results at magnitude 8.3 by Pillow, with their probabilities if one fires."""
    pillow, factor = Image.fromarray(image), 0.1 + 0.83 * 1.8
    plain = [ImageOps.autocontrast(pillow), ImageOps.equalize(pillow), ImageOps.invert(pillow),
             ImageOps.posterize(pillow, 3), ImageOps.solarize(pillow, 212),
             np.where(image < 128, np.minimum(image.astype(int) + 91, 255), image)]
    plain += [enhancer(pillow).enhance(factor) for enhancer in (
        ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Brightness,
        ImageEnhance.Sharpness)]
    moved = []
    height, width = image.shape[:2]
    for sign, resample in itertools.product((-1, 1), (Image.BILINEAR, Image.BICUBIC)):
        moved.append(pillow.rotate(sign * 0.83 * 30, resample, fillcolor=FILL))
        for matrix in ((1, 0.249 * sign, 0, 0, 1, 0), (1, 0, 0, 0.249 * sign, 1, 0),
                       (1, 0, 0.3735 * sign * width, 0, 1, 0),
                       (1, 0, 0, 0, 1, 0.3735 * sign * height)):
            moved.append(pillow.transform(pillow.size, Image.AFFINE, matrix, resample,
                                          fillcolor=FILL))
    probabilities = [1 / 15] * len(plain) + [1 / 60] * len(moved)
    return [np.asarray(result) for result in plain + moved], np.array(probabilities)


def test_operations_of_rand_augment(home):
    image = np.random.randint(20, 240, (24, 30, 3), np.uint8)  # AutoContrast has what to do
    step = dict(infomin()[2], num_ops=1, magnitude=8.3, magnitude_std=0)
    out = home([step], image, 2500)
    references, probabilities = augmented(image)
    counts = np.bincount(nearest(out, [image, *references]), minlength=31)
    expected = 2500 * np.append(0.5, probabilities / 2)
    assert stats.chisquare(counts, expected).pvalue > LEVEL
    # The test would see three operations of four fire, and signs that are always the same.
    assert stats.chisquare(counts, 2500 * np.append(0.25, probabilities * 0.75)).pvalue < LEVEL
    counts[-20:-10], counts[-10:] = 0, counts[-20:-10] + counts[-10:]
    assert stats.chisquare(counts, expected).pvalue < LEVEL


def test_magnitudes(home):
    # Brightness 0.1 + 1.8 M / 10 of a ramp: the mean tells the factor, for truncation takes a half.
    ramp = coloured(*[[level] * 3 for level in range(134)])
    step = dict(infomin()[2], ops=['Brightness'], num_ops=1, prob=1)
    means = home([step], ramp, 2000)[..., 0].mean((1, 2))
    magnitudes = ((means + 0.5) / ramp.mean() - 0.1) / 0.18
    full = magnitudes > 9.99
    check_rate(full, 0.5)
    below = 10 - magnitudes[~full]
    assert stats.kstest(below, stats.halfnorm(scale=0.5).cdf).pvalue > LEVEL
    assert stats.kstest(below, stats.halfnorm(scale=0.6).cdf).pvalue < LEVEL


def test_numbers_of_operations(home, photo):
    image = photo[40:60, 40:60].copy()
    out = home([dict(infomin()[2], ops=['Brightness'], magnitude_std=0)], image, 1500)
    once = np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(1.9))
    twice = np.asarray(ImageEnhance.Brightness(Image.fromarray(once)).enhance(1.9))
    counts = np.bincount(nearest(out, [image, once, twice]), minlength=3)
    assert stats.chisquare(counts, [375, 750, 375]).pvalue > LEVEL


def measure(images):
    """What the whole recipe changes, a row a sample: means, contrasts, colour, detail, edges."""
    images = images.astype(float)
    detail = np.abs(np.diff(images, axis=2)).mean((1, 2, 3)) / (images.std((1, 2, 3)) + 1)
    columns = np.stack([*images.mean((1, 2)).T, *images.std((1, 2)).T,
                        np.ptp(images, -1).mean((1, 2)), detail,
                        np.abs(images[:, 0] - FILL).mean((1, 2)),
                        np.abs(images[:, :, -1] - FILL).mean((1, 2))], axis=1)
    # Equal images lie differently in memory: their sums must not differ in the last bits.
    return columns.round(6)


def smallest_pvalue(first, second):
    return min(stats.ks_2samp(*columns).pvalue
               for columns in zip(measure(first).T, measure(second).T, strict=True))


def test_the_whole_recipe_is_alike_in_both_homes(photo):
    torch.manual_seed(20)
    image = photo[60:84, 60:90]
    workers = in_workers(infomin(), image, 4000)
    assert smallest_pvalue(on_device(infomin(), image, 4000), workers) > LEVEL
    # A recipe that differs in one number is told apart.
    for i, changes in ((0, dict(prob=0.6)), (1, dict(prob=0.75)), (2, dict(prob=0.7)),
                       (2, dict(fill=(0, 0, 0))), (3, dict(prob=0.3))):
        other = infomin()
        other[i].update(changes)
        assert smallest_pvalue(on_device(other, image, 4000), workers) < LEVEL, (i, changes)


def test_draws_pass_the_workers_test():
    torch.manual_seed(20)
    heads = draw(Config.fromfile(RECIPE).infomin_aug[:2], 4000)
    changes = BatchedRecipe(infomin()).draw(4000, (224, 224))
    drawn = [head + tail for head, tail in zip(heads, changes, strict=True)]
    check_infomin_aug(drawn)
    broken = infomin()
    broken[3].update(prob=0.25)
    changes = BatchedRecipe(broken).draw(4000, (224, 224))
    with pytest.raises(AssertionError):
        check_infomin_aug([head + tail for head, tail in zip(heads, changes, strict=True)])

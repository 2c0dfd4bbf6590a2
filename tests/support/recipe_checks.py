"""Whether drawn changes are distributed as InfoMin Aug., judged against closed forms only."""

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import stats
from torchvision.transforms import RandomResizedCrop

from infomin_plugin.datasets.transforms import build_recipe

HEIGHT, WIDTH = 375, 500
LEVEL = 1e-4  # significance of each test; seeds are fixed
JITTER = ('brightness', 'contrast', 'saturation', 'hue')
FILL = (124, 116, 104)
# What the fifteen names of RandAugment do, with the argument at full magnitude where there is one.
AUGMENTATIONS = dict(
    auto_contrast=None, equalize=None, invert=None, posterize=4, solarize=256, solarize_add=110,
    saturation=1.9, contrast=1.9, brightness=1.9, sharpness=1.9, rotate=30, shear_x=0.3,
    shear_y=0.3, translate_x=0.45, translate_y=0.45)
GEOMETRIC = ('rotate', 'shear_x', 'shear_y', 'translate_x', 'translate_y')


class Sample(NamedTuple):
    """The changes of one view, sorted by the step that made them."""

    crop: tuple
    flipped: bool
    jitter: tuple
    blur: tuple
    augmentations: list
    grey: bool


def draw(recipe, number):
    """Draw the changes of a recipe for so many images of 500 x 375."""
    steps = build_recipe(recipe)
    return [[change for step in steps for change in step.draw((HEIGHT, WIDTH))]
            for _ in range(number)]


def parse(changes):
    """Read a list of changes in the order of the recipe; a wrong order is an error."""
    rest = list(changes)
    crop = rest.pop(0)
    assert crop.name == 'crop'
    flipped = bool(rest) and rest[0].name == 'flip'
    rest = rest[flipped:]
    count = 4 if any(change.name == 'hue' for change in rest) else 0
    jitter, rest = tuple(rest[:count]), rest[count:]
    assert count == 0 or sorted(change.name for change in jitter) == sorted(JITTER)
    blurs = bool(rest) and rest[0].name == 'gaussian_blur'
    blur, rest = tuple(rest[:blurs]), rest[blurs:]
    grey = bool(rest) and rest[-1].name == 'grey'
    augmentations = rest[:-1] if grey else rest
    assert {change.name for change in augmentations} <= set(AUGMENTATIONS)
    return Sample(crop.arguments, flipped, jitter, blur, augmentations, grey)


def _rate(hits, expected):
    hits = list(hits)
    assert stats.binomtest(int(sum(hits)), len(hits), expected).pvalue > LEVEL


def _uniform(values, low, high):
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > LEVEL


def check_infomin_aug(drawn):
    """Raise AssertionError unless lists of changes are distributed as the recipe of section 2."""
    samples = [parse(changes) for changes in drawn]
    _check_crops([sample.crop for sample in samples])
    _rate((sample.flipped for sample in samples), 0.5)
    _rate((bool(sample.jitter) for sample in samples), 0.8)
    _check_jitter([sample.jitter for sample in samples if sample.jitter])
    _rate((bool(sample.blur) for sample in samples), 0.5)
    blurs = [sample.blur[0].arguments for sample in samples if sample.blur]
    _uniform([sigma for sigma, _ in blurs], 0.1, 2.0)
    assert {size for _, size in blurs} == {23}
    _check_augmentations([sample.augmentations for sample in samples])
    _rate((sample.grey for sample in samples), 0.2)
    # Steps know nothing of each other.
    table = np.zeros((2, 2))
    for sample in samples:
        table[int(bool(sample.jitter)), int(sample.grey)] += 1
    assert stats.chi2_contingency(table).pvalue > LEVEL


def _check_crops(crops):
    boxes = np.array([box for box, _ in crops])
    assert {size for _, size in crops} == {(224, 224)}
    image = Image.new('RGB', (WIDTH, HEIGHT))
    reference = np.array([RandomResizedCrop.get_params(image, (0.2, 1), (3 / 4, 4 / 3))
                          for _ in range(len(boxes))])
    for column in range(4):
        assert stats.ks_2samp(boxes[:, column], reference[:, column]).pvalue > LEVEL
    for measure in (lambda box: box[:, 2] * box[:, 3], lambda box: box[:, 3] / box[:, 2]):
        assert stats.ks_2samp(measure(boxes), measure(reference)).pvalue > LEVEL


def _check_jitter(jitters):
    orders = Counter(tuple(change.name for change in jitter) for jitter in jitters)
    counts = [orders[order] for order in itertools.permutations(JITTER)]
    assert stats.chisquare(counts).pvalue > LEVEL
    for name in JITTER:
        factors = [change.arguments[0] for jitter in jitters for change in jitter
                   if change.name == name]
        _uniform(factors, *((-0.2, 0.2) if name == 'hue' else (0.2, 1.8)))


def _check_augmentations(lists):
    number = len(lists)
    counts = np.bincount([len(changes) for changes in lists], minlength=3)
    assert len(counts) == 3
    assert stats.chisquare(counts, [number / 4, number / 2, number / 4]).pvalue > LEVEL
    names = Counter(change.name for changes in lists for change in changes)
    assert stats.chisquare([names[name] for name in AUGMENTATIONS]).pvalue > LEVEL
    pairs = [changes for changes in lists if len(changes) == 2]
    _rate((first.name == second.name for first, second in pairs), 1 / 15)
    fired = [change for changes in lists for change in changes]
    for name, largest in AUGMENTATIONS.items():
        arguments = [change.arguments for change in fired if change.name == name]
        if largest is None:
            assert set(arguments) == {()}
        else:
            assert np.isclose(max(abs(values[0]) for values in arguments), largest)
    # Magnitude clip(N(10, 0.5), 0, 10), read off from what is proportional to it.
    moved = [change for change in fired if change.name in GEOMETRIC]
    magnitudes = np.array([10 * abs(change.arguments[0]) / AUGMENTATIONS[change.name]
                           for change in moved])
    full = np.isclose(magnitudes, 10)
    _rate(full, 0.5)
    assert stats.kstest(10 - magnitudes[~full], stats.halfnorm(scale=0.5).cdf).pvalue > LEVEL
    factors = [change.arguments[0] for change in fired if change.name == 'sharpness']
    below = (1.9 - np.array(factors)[np.array(factors) < 1.9 - 1e-9]) / 0.18
    assert stats.kstest(below, stats.halfnorm(scale=0.5).cdf).pvalue > LEVEL
    _rate((change.arguments[0] > 0 for change in moved), 0.5)
    _rate((change.arguments[1] for change in moved), 0.5)
    assert {change.arguments[2] for change in moved} == {FILL}

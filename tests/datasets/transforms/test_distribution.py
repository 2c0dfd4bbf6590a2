"""InfoMin Aug. is distributed as published, and recipes broken on purpose are caught."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from recipe_checks import check_infomin_aug, draw

from infomin_plugin.datasets.transforms import ColorJitter, RandAugment

RECIPE = Path(__file__).parents[3] / 'configs' / '_base_' / 'recipes' / 'infomin_aug.py'
SAMPLES = 4000


def recipe():
    return Config.fromfile(RECIPE).infomin_aug


def test_infomin_aug_is_distributed_as_published():
    check_infomin_aug(draw(recipe(), SAMPLES))


class FixedOrder(ColorJitter):

    def draw(self, shape, random=np.random):
        return sorted(super().draw(shape, random))


class OneSign(RandAugment):

    def draw_change(self, name, random=np.random):
        return [change._replace(arguments=(abs(change.arguments[0]), *change.arguments[1:]))
                if change.arguments else change for change in super().draw_change(name, random)]


class AlwaysBilinear(RandAugment):

    def draw_change(self, name, random=np.random):
        return [change._replace(arguments=(change.arguments[0], False, self.fill))
                if len(change.arguments) == 3 else change
                for change in super().draw_change(name, random)]


class WithoutReplacement(RandAugment):

    def draw(self, shape, random=np.random):
        chosen = random.choice(len(self.ops), self.num_ops, replace=False)
        return [change for i in chosen if random.random_sample() < self.prob
                for change in self.draw_change(self.ops[i], random)]


class OneMagnitude(RandAugment):
    """Clips the magnitude above only in name: draws it without noise below."""

    def draw_change(self, name, random=np.random):
        state = self.magnitude_std
        self.magnitude_std = 0.5 * (random.random_sample() < 0.5)
        try:
            return super().draw_change(name, random)
        finally:
            self.magnitude_std = state


def as_class(cls):
    """Replace a step by a broken one with the same arguments."""
    return lambda step: cls(**{key: value for key, value in step.items() if key != 'type'})


def swapped(first, second):
    def change(steps):
        steps[first], steps[second] = steps[second], steps[first]
    return change


def setting(i, **values):
    return lambda steps: steps[i].update(values)


def inner(i, **values):
    return lambda steps: steps[i].transforms[0].update(values)


def replaced(i, cls):
    def change(steps):
        steps[i] = as_class(cls)(steps[i])
    return change


def inner_replaced(i, cls):
    def change(steps):
        steps[i].transforms[0] = as_class(cls)(steps[i].transforms[0])
    return change


BREAKS = {
    'scale of a memory bank': setting(0, scale=(0.08, 1)),
    'scale 0.25': setting(0, scale=(0.25, 1)),
    'square crops': setting(0, ratio=(1, 1)),
    'ratio to 3:2': setting(0, ratio=(2 / 3, 3 / 2)),
    'size 225': setting(0, size=225),
    'flip 0.55': setting(1, prob=0.55),
    'jitter 0.85': setting(2, prob=0.85),
    'brightness 0.7': inner(2, brightness=0.7),
    'contrast 0.9': inner(2, contrast=0.9),
    'saturation 0.4': inner(2, saturation=0.4),
    'hue 0.1': inner(2, hue=0.1),
    'hue 0.22': inner(2, hue=0.22),
    'jitter in fixed order': inner_replaced(2, FixedOrder),
    'blur 0.55': setting(3, prob=0.55),
    'blur to 1.8': inner(3, sigma=(0.1, 1.8)),
    'blur of 21 taps': inner(3, kernel_size=21),
    "Pillow's blur": inner(3, kernel_size=None),
    'an operation less': lambda steps: steps[4].ops.remove('Posterize'),
    'an operation twice': lambda steps: steps[4].ops.append('Posterize'),
    'three operations': setting(4, num_ops=3),
    'magnitude 9': setting(4, magnitude=9),
    'magnitude deviates by 1': setting(4, magnitude_std=1),
    'magnitude fixed': setting(4, magnitude_std=0),
    'magnitude fixed half of the time': replaced(4, OneMagnitude),
    'operations 0.55': setting(4, prob=0.55),
    'black fill': setting(4, fill=(0, 0, 0)),
    'one sign': replaced(4, OneSign),
    'always bilinear': replaced(4, AlwaysBilinear),
    'without replacement': replaced(4, WithoutReplacement),
    'grey 0.25': setting(5, prob=0.25),
    'grey before RandAugment': swapped(4, 5),
    'blur before jitter': swapped(2, 3),
    'flip before crop': swapped(0, 1),
    'no grey': lambda steps: steps.pop(5),
    'jitter twice': lambda steps: steps.insert(3, steps[2]),
}


@pytest.mark.parametrize('name', BREAKS)
def test_a_broken_recipe_is_caught(name):
    steps = list(recipe())
    BREAKS[name](steps)
    with pytest.raises(AssertionError):
        check_infomin_aug(draw(steps, SAMPLES))

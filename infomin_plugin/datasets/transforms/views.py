"""From one image to the views and patches of a sample."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import SCOPE, TRANSFORMS

from . import checks
from .changes import Change, RandomTransform, apply_change
from .loading import EncodedJpeg

# A crop is read from a reduced image if that has at least so many pixels a side for each of the
# view's: what the reduction's filter takes away, the view's would have taken away as well (the
# rule of Pillow's ``reducing_gap``).
_REDUCING_GAP = 2


def build_recipe(recipe: Sequence[dict | Callable]) -> list[Callable]:
    """Build the transforms of a recipe; bare names are ours, whatever the default scope is."""
    if isinstance(recipe, dict) or not isinstance(recipe, Sequence):
        raise TypeError(f'recipe must be a list of transforms, got {recipe!r}')
    return [TRANSFORMS.build({'_scope_': SCOPE, **step}) if isinstance(step, dict) else step
            for step in recipe]


@TRANSFORMS.register_module()
class RandomApply(RandomTransform):
    """Apply a list of transforms, all or none, with probability ``prob``.

    Args:
        transforms: Configs of transforms, or transforms.
        prob: Probability in [0, 1].
    """

    def __init__(self, transforms: Sequence[dict | Callable], prob: float = 0.5) -> None:
        self.transforms = build_recipe(transforms)
        self.prob = checks.probability('prob', prob)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw whether to apply them, and their changes.

        Raises:
            TypeError: If one of the transforms is not a :class:`RandomTransform`.
        """
        if random.random_sample() >= self.prob:
            return []
        changes = []
        for transform in self.transforms:
            if not isinstance(transform, RandomTransform):
                raise TypeError(f'{type(transform).__name__} has no draw(): it can only be applied')
            drawn = transform.draw(shape, random)
            shape = next((change.arguments[1] for change in drawn[::-1] if change.name == 'crop'),
                         shape)
            changes += drawn
        return changes

    def transform(self, results: dict) -> dict:
        """Apply the transforms, of whatever kind, or none."""
        if np.random.random_sample() < self.prob:
            for transform in self.transforms:
                results = transform(results)
        return results


class Draws(NamedTuple):
    """``num`` results of one recipe on the same image."""

    num: int
    steps: list[Callable]


def _first_changes(steps: Sequence[Callable], shape: tuple[int, int]) -> list[Change] | None:
    """Draw the first step of a recipe; None if that may be a foreign transform."""
    if steps and isinstance(steps[0], RandomTransform) and not isinstance(steps[0], RandomApply):
        return steps[0].draw(shape)
    return None


def _reduction(changes: list[Change] | None) -> float:
    """How many times smaller the image may be decoded for a recipe that starts with these."""
    if changes is None or [change.name for change in changes] != ['crop']:
        return 1
    (_, _, height, width), size = changes[0].arguments
    return min(height / size[0], width / size[1]) / _REDUCING_GAP


def _in_reduced_image(crop: Change, reduction: int) -> Change:
    box, size = crop.arguments
    return Change('crop', (tuple(side / reduction for side in box), size))


@TRANSFORMS.register_module()
class MultiView(BaseTransform):
    """Make several views and sets of jigsaw patches of one image.

    Required key: img ((H, W, 3), uint8, RGB, which is not changed, or an ``EncodedJpeg``).

    Added keys: views (list of arrays (h, w, 3)), patches (list of arrays (9, h, w, 3)), in the
    order of the arguments. ``img`` is removed.

    Args:
        views: ``dict(num=n, recipe=[...])``, or a list of such dicts where the views of a sample
            are made by different recipes.
        patches: Likewise, with recipes that end with ``JigsawPatches``; None for none.

    Raises:
        ImageError: If an ``EncodedJpeg`` is broken.
    """

    def __init__(self, views: dict | Sequence[dict],
                 patches: dict | Sequence[dict] | None = None) -> None:
        self.views = self._groups('views', views)
        self.patches = self._groups('patches', patches or [])
        if not self.views:
            raise ValueError('views must have one recipe at least')

    @staticmethod
    def _groups(name: str, groups: dict | Sequence[dict]) -> list[Draws]:
        groups = [groups] if isinstance(groups, dict) else groups
        for group in groups:
            if not isinstance(group, dict) or set(group) != {'num', 'recipe'}:
                raise ValueError(f'{name} must be dict(num=..., recipe=[...]) or a list of such '
                                 f'dicts, got {group!r}')
        return [Draws(checks.count(f'{name}.num', group['num']), build_recipe(group['recipe']))
                for group in groups]

    def transform(self, results: dict) -> dict:
        """Draw the views and patches of ``results['img']``."""
        img = results.pop('img')
        recipes = [draws.steps for draws in (*self.views, *self.patches) for _ in range(draws.num)]
        # The crops are drawn first: they tell at which scale a file may be decoded.
        firsts = [_first_changes(steps, img.shape[:2]) for steps in recipes]
        if isinstance(img, EncodedJpeg):
            img, reduction = img.decode(min(map(_reduction, firsts)))
            if reduction > 1:
                firsts = [[_in_reduced_image(crop, reduction)] for crop, in firsts]
        images = [self._run(steps, first, {**results, 'img': img})
                  for steps, first in zip(recipes, firsts, strict=True)]
        num_views = sum(draws.num for draws in self.views)
        return {**results, 'views': images[:num_views], 'patches': images[num_views:]}

    @staticmethod
    def _run(steps: Sequence[Callable], first: list[Change] | None, results: dict) -> np.ndarray:
        """Run a recipe whose first step may have been drawn; steps never write into an image."""
        for change in first or ():
            results['img'] = apply_change(results['img'], change)
        for step in steps if first is None else steps[1:]:
            results = step(results)
        return results['img']


@TRANSFORMS.register_module()
class PackViews(BaseTransform):
    """Pack views and patches as tensors, still uint8: they are normalised on the device.

    Required keys: views, patches, and those named by ``meta_keys``.

    Result: ``dict(inputs=dict(views=[...], patches=[...]), **meta)`` with views (h, w, 3) and
    patches (9, h, w, 3), uint8 (float32 after ``ColorSpace``), for torch's ``default_collate``.
    Channels stay last, as they lie in memory: ``ViewDataPreprocessor`` brings them forward.

    Args:
        meta_keys: Keys to hand on, e.g. 'gt_label' of a labelled ``ImageFolder``.

    Raises:
        KeyError: If a key of ``meta_keys`` is missing.
    """

    def __init__(self, meta_keys: Sequence[str] = ('img_path', )) -> None:
        if isinstance(meta_keys, str):
            raise TypeError(f'meta_keys must be a list of keys, got {meta_keys!r}')
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack one sample."""
        missing = [key for key in self.meta_keys if key not in results]
        if missing:
            raise KeyError(f'meta_keys {missing} not in the sample, which has {sorted(results)}')
        inputs = {key: [_to_tensor(array) for array in results[key]]
                  for key in ('views', 'patches')}
        return {'inputs': inputs, **{key: results[key] for key in self.meta_keys}}


def _to_tensor(array: np.ndarray) -> torch.Tensor:
    """Share the array's memory; one that is read-only, the decoded image itself, is copied."""
    if not (array.flags.writeable and array.flags.c_contiguous):
        array = array.copy()
    return torch.from_numpy(array)

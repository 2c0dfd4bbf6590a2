"""From one decoded image to the views and patches of a sample."""

from collections.abc import Callable, Sequence

import mmcv.transforms
import numpy as np
import torch
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import SCOPE, TRANSFORMS

from . import checks


def build_recipe(recipe: Sequence[dict | Callable]) -> list[Callable]:
    """Build the transforms of a recipe; bare names are ours, whatever the default scope is."""
    if isinstance(recipe, dict) or not isinstance(recipe, Sequence):
        raise TypeError(f'recipe must be a list of transforms, got {recipe!r}')
    return [TRANSFORMS.build({'_scope_': SCOPE, **step}) if isinstance(step, dict) else step
            for step in recipe]


@TRANSFORMS.register_module()
class RandomApply(mmcv.transforms.RandomApply):
    """Apply a list of transforms, all or none, with probability ``prob``.

    mmcv's, with names looked up in this package first.

    Args:
        transforms: Configs of transforms, or transforms.
        prob: Probability in [0, 1].
    """

    def __init__(self, transforms: Sequence[dict | Callable], prob: float = 0.5) -> None:
        super().__init__(build_recipe(transforms), checks.probability('prob', prob))


class _Draws:
    """``num`` results of one recipe on the same image."""

    def __init__(self, name: str, num: int, recipe: Sequence[dict | Callable]) -> None:
        self.num = checks.count(f'{name}.num', num)
        self.steps = build_recipe(recipe)

    def __call__(self, results: dict) -> list[np.ndarray]:
        outputs = []
        for _ in range(self.num):
            # A shallow copy: recipes put a new array in 'img', they never write into the old one.
            drawn = dict(results)
            for step in self.steps:
                drawn = step(drawn)
            outputs.append(drawn['img'])
        return outputs


@TRANSFORMS.register_module()
class MultiView(BaseTransform):
    """Make several views and sets of jigsaw patches of one image.

    Required key: img ((H, W, 3), uint8, RGB), which is not changed.

    Added keys: views (list of arrays (h, w, 3)), patches (list of arrays (9, h, w, 3)), in the
    order of the arguments. ``img`` is removed.

    Args:
        views: ``dict(num=n, recipe=[...])``, or a list of such dicts where the views of a sample
            are made by different recipes.
        patches: Likewise, with recipes that end with ``JigsawPatches``; None for none.
    """

    def __init__(self, views: dict | Sequence[dict],
                 patches: dict | Sequence[dict] | None = None) -> None:
        self.views = self._groups('views', views)
        self.patches = self._groups('patches', patches or [])
        if not self.views:
            raise ValueError('views must have one recipe at least')

    @staticmethod
    def _groups(name: str, groups: dict | Sequence[dict]) -> list[_Draws]:
        groups = [groups] if isinstance(groups, dict) else groups
        for group in groups:
            if not isinstance(group, dict) or set(group) != {'num', 'recipe'}:
                raise ValueError(f'{name} must be dict(num=..., recipe=[...]) or a list of such '
                                 f'dicts, got {group!r}')
        return [_Draws(name, **group) for group in groups]

    def transform(self, results: dict) -> dict:
        """Draw the views and patches of ``results['img']``."""
        outputs = {'views': [view for draws in self.views for view in draws(results)],
                   'patches': [patch for draws in self.patches for patch in draws(results)]}
        rest = {key: value for key, value in results.items() if key != 'img'}
        return {**rest, **outputs}


def _to_tensor(array: np.ndarray) -> torch.Tensor:
    """(..., h, w, 3) -> (..., 3, h, w), same dtype."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, -3)))


@TRANSFORMS.register_module()
class PackViews(BaseTransform):
    """Pack views and patches as tensors, still uint8: they are normalised on the device.

    Required keys: views, patches, and those named by ``meta_keys``.

    Result: ``dict(inputs=dict(views=[...], patches=[...]), **meta)`` with views (3, h, w) and
    patches (9, 3, h, w), uint8 (float32 after ``ColorSpace``), for torch's ``default_collate``.

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

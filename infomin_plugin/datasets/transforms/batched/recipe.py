"""A recipe's steps after crop and flip, on batches on the training device.

The same ``draw`` decides what happens to a sample as in the workers, so that the distribution is
theirs; only the operations are others.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmengine.dist import get_rank
from torch import Tensor

from infomin_plugin.registry import TRANSFORMS

from ..changes import Change, RandomTransform
from ..geometry import CenterResizedCrop, JigsawPatches, RandomFlip, RandomResizedCrop
from ..views import RandomApply, build_recipe
from . import BATCHED_OPERATIONS

# They are what is left to workers: a crop reads an image of another size.
_GEOMETRY = (CenterResizedCrop, JigsawPatches, RandomFlip, RandomResizedCrop)
# It changes the type of a batch, all of which therefore goes through it at once.
_LAST = 'color_space'


def has_batched_form(step: Callable) -> bool:
    """Tell whether a step of a recipe can be applied to batches."""
    if isinstance(step, RandomApply):
        return all(map(has_batched_form, step.transforms))
    return isinstance(step, RandomTransform) and not isinstance(step, _GEOMETRY)


def count_worker_steps(steps: Sequence[Callable]) -> int:
    """Count the steps of a recipe that come before the first that has a batched form.

    Raises:
        ValueError: If one after that has none.
    """
    batched = [has_batched_form(step) for step in steps]
    count = batched.index(True) if True in batched else len(steps)
    if not all(batched[count:]):
        i = batched.index(False, count)
        raise ValueError(f'step {i}, {_name(steps[i])}, cannot be applied on the training device, '
                         f'and it comes after step {count}, {_name(steps[count])}, which can')
    return count


def _name(step: Callable) -> str:
    name = getattr(step, '__name__', type(step).__name__)
    if isinstance(step, RandomApply):
        return f'{name}({", ".join(map(_name, step.transforms))})'
    return name


@TRANSFORMS.register_module()
class BatchedRecipe:
    """Apply steps of a recipe to a batch of views, each sample with draws of its own.

    Chance comes from a generator seeded, for each batch, from torch's default one and the rank of
    the process: a seed repeats a run, and processes never repeat each other, even if all have the
    same seed.

    Args:
        recipe: Configs of transforms, or transforms: what may follow crop and flip in a recipe.

    Raises:
        TypeError: If one of them has no batched form.
    """

    def __init__(self, recipe: Sequence[dict | Callable]) -> None:
        self.steps = build_recipe(recipe)
        for step in self.steps:
            if not has_batched_form(step):
                raise TypeError(f'{_name(step)} cannot be applied on the training device: '
                                'leave it to the recipe of MultiView')

    def draw(self, number: int, shape: tuple[int, int]) -> list[list[Change]]:
        """Draw what is done to each of ``number`` images of ``shape`` (height, width)."""
        seed = torch.randint(1 << 32, ()).item()
        random = np.random.RandomState([seed, get_rank()])
        return [[change for step in self.steps for change in step.draw(shape, random)]
                for _ in range(number)]

    def __call__(self, images: Tensor) -> Tensor:
        """Draw changes and apply them.

        Args:
            images: (N, 3, H, W), uint8, RGB, on any device; or (N, P, 3, h, w), whose P patches
                get the same changes. Not written to.

        Returns:
            Tensor: Of the same shape, uint8, or float32 after ``ColorSpace``.
        """
        changes = self.draw(len(images), images.shape[-2:])
        patches = images.shape[1:-3].numel()
        repeated = [drawn for drawn in changes for _ in range(patches)]
        return apply_changes(images.flatten(0, -4), repeated).reshape(images.shape)


@torch.no_grad()
def apply_changes(images: Tensor, changes: Sequence[Sequence[Change]]) -> Tensor:
    """Do to each image its own list of changes, in order.

    An operation is called once for all the images that wait for it. Which operation is next makes
    no difference to the result: an image waits for one at a time. It is the one that most wait for.

    Args:
        images: (N, 3, H, W), uint8, RGB; not written to.
        changes: N lists.

    Returns:
        Tensor: (N, 3, H, W), uint8; float32 if all lists end with the change 'color_space'.

    Raises:
        TypeError: If the images are not uint8.
        ValueError: If an operation has no batched form, or 'color_space' is not the last change of
            all images.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f'images must be uint8, got {images.dtype}')
    images = images.clone(memory_format=torch.contiguous_format)
    waiting = [list(drawn[::-1]) for drawn in changes]
    # Autocast, which is on around a preprocessor, would compute in half precision.
    with torch.autocast(images.device.type, enabled=False):
        while any(waiting):
            groups = {}
            for i, rest in enumerate(waiting):
                if rest:
                    groups.setdefault(rest[-1].name, []).append(i)
            name = max(groups, key=lambda name: (name != _LAST, len(groups[name])))
            if name not in BATCHED_OPERATIONS:
                raise ValueError(f'the operation {name!r} has no batched form: add it to '
                                 'BATCHED_OPERATIONS in infomin_plugin.datasets.transforms.batched')
            chosen = groups[name]
            drawn = [waiting[i].pop().arguments for i in chosen]
            if name == _LAST and (len(chosen) < len(images) or any(waiting)):
                raise ValueError('ColorSpace must be the last step of a recipe, for all images')
            arguments = [np.array(values) for values in zip(*drawn, strict=True)]
            if len(chosen) == len(images):
                images = BATCHED_OPERATIONS[name](images, *arguments)
            else:
                index = torch.tensor(chosen).to(images.device, non_blocking=True)
                images[index] = BATCHED_OPERATIONS[name](images[index], *arguments)
    return images

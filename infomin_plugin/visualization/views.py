"""Pictures of what a pre-training pipeline makes of images."""

import inspect
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from infomin_plugin.datasets.image_folder import UNLABELLED
from infomin_plugin.datasets.transforms import LoadImage, MultiView, RandomApply, checks
from infomin_plugin.datasets.transforms.changes import Change, RandomTransform, apply_change
from infomin_plugin.datasets.transforms.loading import EncodedJpeg
from infomin_plugin.datasets.transforms.operations import OPERATIONS

from .grid import Panel, draw_grid

_WHITE = 255


def to_picture(view: np.ndarray) -> np.ndarray:
    """Turn a view or a set of patches into an RGB image.

    Args:
        view: (h, w, 3), or (n * n, h, w, 3) for patches, which are laid out n by n in order; of
            another number, as of the frames of a clip, in a row. Floating-point ones (colour
            spaces) are stretched to 0..255 channel by channel.

    Returns:
        np.ndarray: (H, W, 3), uint8.
    """
    if view.dtype != np.uint8:
        axes = tuple(range(view.ndim - 1))
        low, high = view.min(axes), view.max(axes)
        view = ((view - low) / np.maximum(high - low, 1e-6) * 255).round().astype(np.uint8)
    if view.ndim == 3:
        return view
    side = math.isqrt(len(view))
    columns = side if side**2 == len(view) else len(view)
    gap = max(1, view.shape[1] // 16)
    # A gap below and to the right of each patch; the outermost are cut off again.
    padded = np.pad(view, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=_WHITE)
    rows = [np.hstack(padded[i:i + columns]) for i in range(0, len(view), columns)]
    return np.vstack(rows)[:-gap, :-gap]


def describe(change: Change) -> tuple[str, str]:
    """Name a change and how it was drawn, in two short lines.

    The second is the strength, which is an operation's first argument, and the flags that are set;
    of a crop the sizes before and after: its place is shown as a box.
    """
    if change.name == 'crop':
        (_, _, height, width), size = change.arguments
        return 'crop', f'{width:g}×{height:g} to {size[1]}×{size[0]}'
    # The first parameter is the image; those at the end may have defaults.
    names = list(inspect.signature(OPERATIONS[change.name]).parameters)[1:]
    words = []
    for i, (name, value) in enumerate(zip(names, change.arguments, strict=False)):
        if i == 0:
            words.append(f'{name}={value}' if isinstance(value, str) else f'{name}={value:.3g}')
        elif value is True:
            words.append(name)
    return change.name, ', '.join(words)


def draw_views(pipeline: Sequence[Callable], images: Sequence[str | dict], draws: int = 4,
               height: int = 128) -> np.ndarray:
    """Draw images beside samples of them: each the views, then the patches.

    Args:
        pipeline: Built transforms from ``dict(img_path=...)`` to what ``PackViews`` returns.
        images: Image files, or samples of a data set as they are before its pipeline, one or more:
            each is a row.
        draws: Samples a row: the randomness is drawn anew for each.
        height: Height of an image in pixels.

    Returns:
        np.ndarray: (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If a file is unreadable.
        ValueError: If the pipeline does not end in ``PackViews``.
    """
    checks.count('draws', draws)
    rows = []
    for number, image in enumerate(images):
        original = _original(image)
        row = [] if original is None else [Panel(original, ('', 'original'))]
        for draw in range(draws):
            sample = _sample(image, number)
            for step in pipeline:
                sample = step(sample)
            if 'inputs' not in sample:
                raise ValueError(f'the pipeline must end in PackViews; it gives {sorted(sample)}')
            inputs = sample['inputs']
            arrays = [tensor.numpy() for tensor in (*inputs['views'], *inputs['patches'])]
            titles = _titles(len(inputs['views']), len(inputs['patches']))
            row += [Panel(to_picture(array), (f'sample {draw + 1}' if i == 0 else '', title),
                          block=i == 0)
                    for i, (title, array) in enumerate(zip(titles, arrays, strict=True))]
        # Columns are the same in all rows: the first row has their titles.
        rows.append([panel._replace(caption=()) for panel in row] if rows else row)
    return draw_grid(rows, height)


def _sample(image: str | dict, number: int) -> dict:
    """What a pipeline starts from; of a file with the keys that data sets add."""
    return dict(image) if isinstance(image, dict) else dict(
        img_path=image, sample_idx=number, gt_label=UNLABELLED)


def _original(image: str | dict) -> np.ndarray | None:
    """Read the whole image; None of a sample that is made of views."""
    sample = _sample(image, 0)
    if 'img' in sample or 'img_path' not in sample:
        return sample.get('img')
    return LoadImage()(sample)['img']  # the pipeline's own may leave it undecoded


def _titles(num_views: int, num_patches: int) -> list[str]:
    return [title if num == 1 else f'{title} {i + 1}'
            for title, num in (('view', num_views), ('patches', num_patches)) for i in range(num)]


def draw_steps(pipeline: Sequence[Callable], images: Sequence[str | dict], draws: int = 1,
               height: int = 128) -> np.ndarray:
    """Draw what each operation does to an image, step by step.

    A row is a view or a set of patches: the original, with its crop as a box, and the image after
    each operation that fired, in order. After the same seed these are the samples that
    :func:`draw_views` shows, but for files that ``LoadImage(reduce=True)`` reads smaller: here they
    are decoded in full.

    Args:
        pipeline: Built transforms with a ``MultiView`` among them.
        images: Image files, or samples of a data set, one or more.
        draws: Samples of each image.
        height: Height of an image in pixels.

    Returns:
        np.ndarray: (H, W, 3), uint8, RGB.

    Raises:
        ImageError: If a file is unreadable.
        ValueError: If the pipeline has no ``MultiView``.
    """
    checks.count('draws', draws)
    at = [i for i, step in enumerate(pipeline) if isinstance(step, MultiView)]
    if not at:
        names = [type(step).__name__ for step in pipeline]
        raise ValueError(f'the pipeline must have a MultiView to show its steps; it has {names}')
    before, multi_view = pipeline[:at[0]], pipeline[at[0]]
    rows = []
    for number, image in enumerate(images):
        for draw in range(draws):
            sample = _sample(image, number)
            name = Path(sample['img_path']).name if 'img_path' in sample else f'image {number + 1}'
            for step in before:
                sample = step(sample)
            if isinstance(sample['img'], EncodedJpeg):
                sample['img'], _ = sample['img'].decode()
            name += f', sample {draw + 1}' if draws > 1 else ''
            rows += [[panels[0]._replace(caption=(name, title), block=i == 0), *panels[1:]]
                     for i, (title, panels) in enumerate(_trace(multi_view, sample))]
    return draw_grid(rows, height)


def _trace(multi_view: MultiView, sample: dict) -> list[tuple[str, list[Panel]]]:
    """Make the views and patches of a sample as ``MultiView`` does, and keep what lies between."""
    recipes = [group.steps for group in (*multi_view.views, *multi_view.patches)
               for _ in range(group.num)]
    titles = _titles(*(sum(group.num for group in groups)
                       for groups in (multi_view.views, multi_view.patches)))
    # MultiView draws the first step of all recipes before anything else: with this order a seed
    # gives the same samples.
    shape = sample['img'].shape[:2]
    firsts = [steps[0].draw(shape) if steps and _can_draw(steps[0]) else None for steps in recipes]
    return [(title, _panels(steps, first, dict(sample)))
            for title, steps, first in zip(titles, recipes, firsts, strict=True)]


def _panels(steps: Sequence[Callable], first: list[Change] | None, results: dict) -> list[Panel]:
    """Run a recipe, whose first step may have been drawn, and show every image on the way."""
    panels = [Panel(results['img'])]
    for i, step in enumerate(steps):
        before = results['img']
        if not _can_draw(step):
            results = step(results)
            if not np.array_equal(results['img'], before):
                panels.append(Panel(to_picture(results['img']), (type(step).__name__, '')))
            continue
        changes = first if i == 0 and first is not None else step.draw(before.shape[:2])
        for change in changes:
            if change.name == 'crop':
                panels[-1] = panels[-1]._replace(box=change.arguments[0])
            results['img'] = apply_change(results['img'], change)
            panels.append(Panel(to_picture(results['img']), describe(change)))
    return panels


def _can_draw(step: Callable) -> bool:
    """Tell whether a step's changes can be drawn before they are applied."""
    if isinstance(step, RandomApply):
        return all(map(_can_draw, step.transforms))
    return isinstance(step, RandomTransform)

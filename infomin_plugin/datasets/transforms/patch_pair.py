"""Two patches of an image at a fixed distance."""

from collections.abc import Callable, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import TRANSFORMS

from . import checks
from .changes import Change, apply_change
from .loading import EncodedJpeg
from .views import build_recipe


@TRANSFORMS.register_module()
class PatchPair(BaseTransform):
    """Take as views two patches of an image, the second so far down and to the right of the first.

    Tian et al. 2020, section 4.1: patches at (y, x) and (y + distance, x + distance). The further
    apart they are, the less they share. Which of the two is view 1 is a toss of a coin.

    Required key: img ((H, W, 3), uint8, RGB, which is not changed, or an ``EncodedJpeg``).

    Added keys: views (list of two arrays (size, size, 3)), patches (empty, for ``PackViews``).
    ``img`` is removed.

    Args:
        distance: Offset in pixels, in both directions; 0 for the same patch twice.
        size: Side of a patch in pixels. Defaults to 64.
        recipe: Transforms of each patch, each with randomness of its own. Defaults to none.

    Raises:
        ValueError: If an image is smaller than ``size + distance``; the message names it.
        ImageError: If an ``EncodedJpeg`` is broken.
    """

    def __init__(self, distance: int, size: int = 64,
                 recipe: Sequence[dict | Callable] = ()) -> None:
        self.distance = checks.count('distance', distance, 0)
        self.size = checks.count('size', size)
        self.steps = build_recipe(recipe)

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw where both patches are, uniform over all places where they fit.

        Args:
            shape: (height, width) of the image in pixels.
            random: ``np.random`` or a ``RandomState``.

        Returns:
            list[Change]: A crop for view 1 and one for view 2.
        """
        room = [side - self.size - self.distance for side in shape]
        if min(room) < 0:
            raise ValueError(
                f'PatchPair needs {self.size + self.distance} px a side for patches of '
                f'{self.size} px at a distance of {self.distance}, got an image of '
                f'{shape[0]}x{shape[1]} px (height x width)')
        top, left = (int(random.randint(free + 1)) for free in room)
        size = self.size, self.size
        crops = [Change('crop', ((top + offset, left + offset, *size), size))
                 for offset in (0, self.distance)]
        return crops[::-1] if random.random_sample() < 0.5 else crops

    def transform(self, results: dict) -> dict:
        """Draw the patches of ``results['img']``."""
        img = results.pop('img')
        try:
            crops = self.draw(img.shape[:2])
        except ValueError as error:
            raise ValueError(f'{results.get("img_path", "the image")}: {error}') from None
        if isinstance(img, EncodedJpeg):
            img, _ = img.decode(1)
        views = []
        for crop in crops:
            patch = {**results, 'img': apply_change(img, crop)}
            for step in self.steps:
                patch = step(patch)
            views.append(patch['img'])
        return {**results, 'views': views, 'patches': []}

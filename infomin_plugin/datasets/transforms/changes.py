"""What happens to a view is data: a list of named changes, drawn first and then applied."""

from typing import NamedTuple

import numpy as np
from mmcv.transforms import BaseTransform

from .operations import OPERATIONS


class Change(NamedTuple):
    """One thing that is done to an image."""

    # A key of ``OPERATIONS``.
    name: str
    # Numbers, names and tuples of them: what the operation takes after the image.
    arguments: tuple = ()


def apply_change(img: np.ndarray, change: Change) -> np.ndarray:
    """Do a change to an image (H, W, 3), uint8, RGB, which is not written to."""
    return OPERATIONS[change.name](img, *change.arguments)


class RandomTransform(BaseTransform):
    """A transform whose randomness is drawn before it touches a pixel.

    The draw can therefore be looked at, tested as a distribution, and applied elsewhere: by the
    batched operations on the training device, or to an image that is not decoded yet.

    Required and modified key: img ((H, W, 3), uint8, RGB).
    """

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw what is done to one image.

        Args:
            shape: (height, width) of the image in pixels.
            random: ``np.random``, which MMEngine seeds in every worker, or a ``RandomState``.

        Returns:
            list[Change]: In the order in which they are done; empty if nothing is.
        """
        raise NotImplementedError

    def transform(self, results: dict) -> dict:
        """Draw and apply the changes of ``results['img']``."""
        img = results['img']
        for change in self.draw(img.shape[:2]):
            img = apply_change(img, change)
        results['img'] = img
        return results

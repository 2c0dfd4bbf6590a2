"""Randomness that is the same at every look at a sample."""

from collections.abc import Callable, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import TRANSFORMS

from .views import build_recipe


@TRANSFORMS.register_module()
class Seeded(BaseTransform):
    """Run transforms with draws that depend on the sample's index alone.

    So held-out views are the same at every measurement, whatever process or worker makes them. The
    worker's own random state is left as it was.

    Required key: sample_idx, and those of the transforms.

    Args:
        transforms: Configs of transforms, or transforms, which draw from ``np.random``.
        seed: Of the whole set.
    """

    def __init__(self, transforms: Sequence[dict | Callable], seed: int = 0) -> None:
        self.transforms = build_recipe(transforms)
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Run them."""
        before = np.random.get_state()
        np.random.seed([self.seed, results['sample_idx']])
        try:
            for transform in self.transforms:
                results = transform(results)
        finally:
            np.random.set_state(before)
        return results

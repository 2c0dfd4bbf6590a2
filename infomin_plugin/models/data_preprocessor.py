"""From the uint8 views that workers hand over to the trunk's input."""

from collections.abc import Callable, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from infomin_plugin.registry import MODELS, SCOPE, TRANSFORMS


@MODELS.register_module()
class ViewDataPreprocessor(BaseDataPreprocessor):
    """Move views and patches to the device, change their colours, convert to float, normalise.

    Args:
        mean (Sequence[float]): Mean of each channel, on the scale of the views (0–255 for uint8).
        std (Sequence[float]): Standard deviation of each channel, above 0.
        channels_last (bool): Lay the batches out with the channels innermost in memory, which
            convolutions on CPUs and on tensor cores prefer. Defaults to False.
        non_blocking (bool): Copy to the device without blocking the host. Defaults to True.
        recipes (dict[str, Sequence], optional): What is done to the views of a training on the
            device: ``views`` and ``patches``, each a list with one entry a batch, the config of a
            ``BatchedRecipe`` or None. ``photometry = 'device'`` writes it (:func:`place_photometry`
            of the engine). Defaults to None: workers have done it.
        keep (Sequence[str]): Keys of a batch that are handed on beside the views, on the device,
            such as 'gt_label'; of batches that are not trained on, those that are there. Defaults
            to none.

    Raises:
        ValueError: If ``mean`` and ``std`` differ in length, a deviation is not positive, or
            ``recipes`` has another key.
    """

    def __init__(self,
                 mean: Sequence[float],
                 std: Sequence[float],
                 channels_last: bool = False,
                 non_blocking: bool = True,
                 recipes: dict[str, Sequence[dict | Callable | None]] | None = None,
                 keep: Sequence[str] = ()) -> None:
        super().__init__(non_blocking)
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'mean and std need one value a channel, std above 0; '
                             f'got mean={mean}, std={std}')
        if not set(recipes or {}) <= {'views', 'patches'}:
            raise ValueError(f"recipes may have 'views' and 'patches', got {sorted(recipes)}")
        self.channels_last = channels_last
        self.recipes = {kind: list(map(_build, listed)) for kind, listed in (recipes or {}).items()}
        self.keep = tuple(keep)
        self.register_buffer('mean', torch.tensor(mean), persistent=False)
        self.register_buffer('std', torch.tensor(std), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data (dict): ``inputs`` holds lists of batches as workers lay them out, channels last:
                ``views``, each N×H×W×C, and maybe ``patches``, each N×P×h×w×C. Other keys
                (``img_path``, ``gt_label``) are left out, but for those to ``keep``.
            training (bool): Whether to apply ``recipes``. Defaults to False.

        Returns:
            dict: ``inputs`` with the same lists as float32 tensors on the device, N×C×H×W and
            N×P×C×h×w, and what is to ``keep``.

        Raises:
            ValueError: If there are more or fewer batches than recipes.
            KeyError: If a key to ``keep`` is missing in training.
        """
        missing = [key for key in self.keep if key not in data]
        if missing and training:
            raise KeyError(f'data_preprocessor.keep: the batch has no {missing}, it has '
                           f'{sorted(data)}: name them in meta_keys of PackViews')
        kept = {key: self.cast_data(data[key]) for key in self.keep if key in data}
        inputs = self.cast_data(data['inputs'])
        return dict(**kept, inputs={
            kind: [self._prepare(batch, recipe) for batch, recipe in zip(
                batches, self._recipes(kind, len(batches), training), strict=True)]
            for kind, batches in inputs.items()
        })

    def _recipes(self, kind: str, number: int, training: bool) -> list[Callable | None]:
        recipes = self.recipes.get(kind)
        if recipes is None or not training:
            return [None] * number
        if len(recipes) != number:
            raise ValueError(f'data_preprocessor.recipes.{kind} has {len(recipes)} entries, the '
                             f'pipeline makes {number} {kind}')
        return recipes

    def _prepare(self, batch: Tensor, recipe: Callable | None) -> Tensor:
        if recipe is not None:
            batch = recipe(batch.movedim(-1, -3)).movedim(-3, -1)
        if self.channels_last:
            batch = batch.contiguous()  # copies what a recipe gave; bytes still, not floats
        batch = ((batch.float() - self.mean) / self.std).movedim(-1, -3)
        return batch if self.channels_last else batch.contiguous()


def _build(recipe: dict | Callable | None) -> Callable | None:
    return TRANSFORMS.build({'_scope_': SCOPE, **recipe}) if isinstance(recipe, dict) else recipe

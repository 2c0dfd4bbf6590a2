"""From the uint8 views that workers hand over to the trunk's input."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from infomin_plugin.registry import MODELS


@MODELS.register_module()
class ViewDataPreprocessor(BaseDataPreprocessor):
    """Move views and patches to the device, convert to float and normalise.

    Args:
        mean (Sequence[float]): Mean of each channel, on the scale of the views (0–255 for uint8).
        std (Sequence[float]): Standard deviation of each channel, above 0.
        channels_last (bool): Lay the batches out with the channels innermost in memory, which
            convolutions on CPUs and on tensor cores prefer. Defaults to False.
        non_blocking (bool): Copy to the device without blocking the host. Defaults to True.
        keep (Sequence[str]): Keys of a batch that are handed on beside the views, on the device,
            such as 'gt_label'. Defaults to none.

    Raises:
        ValueError: If ``mean`` and ``std`` differ in length or a deviation is not positive.
    """

    def __init__(self,
                 mean: Sequence[float],
                 std: Sequence[float],
                 channels_last: bool = False,
                 non_blocking: bool = True,
                 keep: Sequence[str] = ()) -> None:
        super().__init__(non_blocking)
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'mean and std need one value a channel, std above 0; '
                             f'got mean={mean}, std={std}')
        self.channels_last = channels_last
        self.keep = tuple(keep)
        self.register_buffer('mean', torch.tensor(mean), persistent=False)
        self.register_buffer('std', torch.tensor(std), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise a batch.

        Args:
            data (dict): ``inputs`` holds lists of batches as workers lay them out, channels last:
                ``views``, each N×H×W×C, and maybe ``patches``, each N×P×h×w×C. Other keys
                (``img_path``, ``gt_label``) are left out, but for those to ``keep``.
            training (bool): Not used; part of MMEngine's interface.

        Returns:
            dict: ``inputs`` with the same lists as float32 tensors on the device, N×C×H×W and
            N×P×C×h×w, and what is to ``keep``.

        Raises:
            KeyError: If a key to ``keep`` is missing.
        """
        missing = [key for key in self.keep if key not in data]
        if missing:
            raise KeyError(f'data_preprocessor.keep: the batch has no {missing}, it has '
                           f'{sorted(data)}: name them in meta_keys of PackViews')
        kept = {key: self.cast_data(data[key]) for key in self.keep}
        inputs = self.cast_data(data['inputs'])
        return dict(**kept, inputs={
            kind: [self._prepare(batch) for batch in batches] for kind, batches in inputs.items()
        })

    def _prepare(self, batch: Tensor) -> Tensor:
        batch = (batch.float() - self.mean) / self.std
        if not self.channels_last:
            return batch.movedim(-1, -3).contiguous()
        return batch.movedim(-1, -3)

"""InfoNCE over one positive and many negative keys (Tian et al. 2020, equation 1)."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from infomin_plugin.registry import MODELS

from .info_nce import InfoNCE


@MODELS.register_module()
class ContrastiveHead(BaseModule):
    """Cross-entropy of picking a query's own key among the negatives.

    Args:
        temperature (float): Divisor of the cosine similarities, above 0.
        loss_weight (float): Factor of the loss, not negative. Defaults to 1.

    Raises:
        ValueError: If an argument is outside its range.
    """

    def __init__(self, temperature: float, loss_weight: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'temperature must be above 0, got {temperature}')
        if loss_weight < 0:
            raise ValueError(f'loss_weight must not be negative, got {loss_weight}')
        self.temperature = temperature
        self.loss_weight = loss_weight

    def loss(self, queries: Tensor, keys: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted cross-entropy and contrastive accuracy of a batch.

        Equal to the cross-entropy of N×(1+K) logits, similarities over temperature, the positive
        first; those logits never lie side by side, and under mixed precision are of single.

        Args:
            queries (Tensor): N×C unit vectors.
            keys (Tensor): N×C unit vectors, row n is the positive of query n.
            negatives (Tensor): K×C unit vectors, constant.

        Returns:
            tuple[Tensor, Tensor]: The loss in nats times ``loss_weight`` (scalar), and the
            percentage of queries whose own key has the largest logit (scalar, no gradient).

        Raises:
            ValueError: If the negatives want a gradient.
        """
        with torch.autocast(queries.device.type, enabled=False):
            scaled = _at_least_single(queries) / self.temperature  # N×C
            losses, hits = InfoNCE.apply(
                scaled, _at_least_single(keys), _at_least_single(negatives))  # N, N
        return self.loss_weight * losses.mean(), hits.float().mean() * 100


def _at_least_single(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))

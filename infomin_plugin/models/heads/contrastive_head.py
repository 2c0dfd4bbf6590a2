"""InfoNCE over one positive and many negative keys (Tian et al. 2020, equation 1)."""

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from infomin_plugin.registry import MODELS


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

    def logits(self, queries: Tensor, keys: Tensor, negatives: Tensor) -> Tensor:
        """Similarities over temperature, the positive first.

        Args:
            queries (Tensor): N×C unit vectors.
            keys (Tensor): N×C unit vectors, row n is the positive of query n.
            negatives (Tensor): K×C unit vectors.

        Returns:
            Tensor: N×(1+K) logits; the right class is 0 in every row.
        """
        positive = (queries * keys).sum(dim=1, keepdim=True)  # N×1
        negative = queries @ negatives.t()  # N×K
        return torch.cat([positive, negative], dim=1) / self.temperature  # N×(1+K)

    def loss(self, queries: Tensor, keys: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted cross-entropy and contrastive accuracy of a batch.

        Args:
            queries, keys, negatives: See :meth:`logits`.

        Returns:
            tuple[Tensor, Tensor]: The loss in nats times ``loss_weight`` (scalar), and the
            percentage of queries whose own key has the largest logit (scalar, no gradient).
        """
        logits = self.logits(queries, keys, negatives)
        labels = logits.new_zeros(logits.size(0), dtype=torch.long)
        accuracy = logits.detach().argmax(dim=1).eq(0).float().mean() * 100
        return self.loss_weight * F.cross_entropy(logits, labels), accuracy

"""What a memory takes in once the optimiser has stepped."""

from collections.abc import Iterator

import torch
from torch import Tensor


class HeldRows:
    """Tensors of the forward passes since the last step of the optimiser.

    Negatives then stay the same through forward and backward pass, without a copy, and through all
    batches of one step: accumulated gradients are those of one large batch.

    Args:
        limit (int): Rows that may wait, those of a process.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.batches: list[tuple[Tensor, ...]] = []

    def add(self, *tensors: Tensor) -> None:
        """Keep tensors that belong together, row by row.

        Raises:
            RuntimeError: If more rows wait than may.
        """
        waiting = sum(len(batch[0]) for batch in self.batches) + len(tensors[0])
        if waiting > self.limit:
            self.batches.clear()
            raise RuntimeError(
                f'{waiting} keys wait for a memory of {self.limit}: either it is smaller than the '
                'batch that one optimiser step accumulates, or nobody calls the model\'s '
                'after_optimizer_step(), as OptimizerStepHook does in this project\'s runner')
        self.batches.append(tensors)

    def take(self) -> Iterator[tuple[Tensor, ...]]:
        """Give away all that is held, in order, as one batch; nothing if nothing is."""
        batches, self.batches = self.batches, []
        if batches:
            yield tuple(torch.cat(column) for column in zip(*batches, strict=True))

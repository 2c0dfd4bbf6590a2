"""How similar queries are to many constant keys, without keeping the similarities."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable


class NegativesLogSumExp(Function):
    """Log-sum-exp of queries' similarities to negatives, and the largest one.

    The gradient of a query is the mean of the negatives by their softmax weights. It is computed
    with the result, from one N×K buffer that is freed at once: until the backward pass N×C numbers
    are kept, of K no copy, and the negatives may change meanwhile.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Compare queries (N×C) with negatives (K×C); returns N values and N maxima.

        Raises:
            ValueError: If the negatives want a gradient: there is none for them.
        """
        if negatives.requires_grad:
            raise ValueError('negatives are constants, but these want a gradient: detach() them')
        weights = queries @ negatives.t()  # N×K
        largest = weights.amax(dim=1)  # N
        weights.sub_(largest[:, None]).exp_()
        total = weights.sum(dim=1)  # N, at least 1
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward((weights @ negatives).div_(total[:, None]))  # N×C
        ctx.mark_non_differentiable(largest)
        return largest + total.log(), largest

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor, _: Tensor) -> tuple[Tensor, None]:
        """Gradient of the queries (N×C) from that of the N values."""
        (mean_negative, ) = ctx.saved_tensors
        return gradient[:, None] * mean_negative, None

"""InfoNCE of queries, without logits that are kept."""

from torch import Tensor, maximum
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable


class InfoNCE(Function):
    """Cross-entropy of each query's own key among constant negatives, and whether it is largest.

    The gradient of a query is the mean of all keys by their softmax weights, less its own. It is
    computed with the result, from one N×K buffer that is freed at once: until the backward pass N×C
    numbers are kept, of K no copy, and the negatives may change meanwhile.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, queries: Tensor, keys: Tensor,
                negatives: Tensor) -> tuple[Tensor, Tensor]:
        """Compare queries (N×C, over temperature) with keys (N×C) and negatives (K×C).

        Returns:
            tuple[Tensor, Tensor]: N losses in nats; N booleans, whether the own key is the nearest.

        Raises:
            ValueError: If the negatives want a gradient: there is none for them.
        """
        if negatives.requires_grad:
            raise ValueError('negatives are constants, but these want a gradient: detach() them')
        positive = (queries * keys).sum(dim=1)  # N
        weights = queries @ negatives.t()  # N×K
        largest = weights.amax(dim=1)  # N
        shift = maximum(positive, largest)
        weights.sub_(shift[:, None]).exp_()
        own = (positive - shift).exp()
        total = weights.sum(dim=1) + own  # N, at least 1
        if any(ctx.needs_input_grad):
            others = weights @ negatives / total[:, None]  # N×C
            ctx.save_for_backward(queries, keys, others, (own / total - 1)[:, None])
        hits = positive >= largest
        ctx.mark_non_differentiable(hits)
        return shift - positive + total.log(), hits

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor,
                 _: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Gradients of queries and keys (N×C) from that of the N losses."""
        queries, keys, others, pull = ctx.saved_tensors
        gradient = gradient[:, None]
        of_keys = gradient * pull * queries if ctx.needs_input_grad[1] else None
        return gradient * (others + pull * keys), of_keys, None

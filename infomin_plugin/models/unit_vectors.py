"""Embeddings of length one, in single precision whatever computed them."""

import torch
from torch import Tensor
from torch.nn import functional as F


def unit_vectors(embeddings: Tensor) -> Tensor:
    """Normalise embeddings (N×C) to length one.

    Half precision, as under mixed precision, is widened first: 8 or 11 bits of a cosine over a
    temperature of 0.07 are no cosine, and keys are stored for thousands of steps.
    """
    return F.normalize(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)), dim=1)

"""Weighted nearest-neighbour read-out of frozen features (Wu et al. 2018, section 3.4)."""

import torch
from torch import Tensor
from torch.nn import functional as F

_SIMILARITIES = 2**26  # at a time: 256 MB


def knn_predict(queries: Tensor,
                bank: Tensor,
                labels: Tensor,
                num_classes: int,
                k: int = 20,
                temperature: float = 0.07) -> Tensor:
    """Classify features by the votes of their nearest neighbours.

    A neighbour at cosine similarity s votes for its class with weight exp(s / temperature).

    Args:
        queries (Tensor): N×F features, of any length.
        bank (Tensor): M×F features whose classes are known.
        labels (Tensor): M class indices, int64.
        num_classes (int): Number of classes.
        k (int): Neighbours that vote, 1…M. Defaults to 20.
        temperature (float): Defaults to 0.07.

    Returns:
        Tensor: N class indices, int64.

    Raises:
        ValueError: If ``k`` is not in 1…M.
    """
    if not 1 <= k <= len(bank):
        raise ValueError(f'k must lie between 1 and the bank\'s {len(bank)} images, got {k}')
    queries, bank = F.normalize(queries, dim=1), F.normalize(bank, dim=1)
    predictions = []
    for chunk in queries.split(max(1, _SIMILARITIES // len(bank))):
        similarities, neighbours = (chunk @ bank.t()).topk(k, dim=1)  # n×k
        votes = torch.zeros(len(chunk), num_classes, device=chunk.device)
        votes.scatter_add_(1, labels[neighbours], (similarities / temperature).exp())
        predictions.append(votes.argmax(dim=1))
    return torch.cat(predictions)


def knn_accuracy(queries: Tensor, truth: Tensor, bank: Tensor, labels: Tensor,
                 k: int = 20, temperature: float = 0.07) -> float:
    """Share of features that :func:`knn_predict` classifies as they are labelled, in percent.

    Args:
        queries, bank, labels, k, temperature: See :func:`knn_predict`.
        truth (Tensor): N class indices of the queries, int64.
    """
    classes = 1 + int(max(labels.max(), truth.max()))
    predictions = knn_predict(queries, bank, labels, classes, k, temperature)
    return 100 * (predictions == truth).float().mean().item()

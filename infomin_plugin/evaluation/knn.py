"""Weighted nearest-neighbour read-out of frozen features (Wu et al. 2018, section 3.4)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .numbers import is_positive, is_whole

# compared at a time: 256 MB of similarities, and with 2048 features 32 and 128 MB of them
_QUERIES, _BANK = 2**12, 2**14


def check_knn(k: int = 20, temperature: float = 0.07, images: int | None = None,
              prefix: str = '') -> None:
    """Refuse settings of :func:`knn_predict`, which need not wait for the features.

    Args:
        k, temperature: See :func:`knn_predict`.
        images (int, optional): Of the bank. Defaults to None: not known yet.
        prefix (str): Of the settings' names in the message, such as ``'read_out.knn.'``.

    Raises:
        ValueError: If ``k`` is no whole number in 1…images, or ``temperature`` is not above 0.
    """
    most = k if images is None else images
    if not is_whole(k) or not 1 <= k <= most:
        bounds = ('of 1 or more' if images is None
                  else f"between 1 and the bank's {images} images")
        raise ValueError(f'{prefix}k must be a whole number {bounds}, got {k!r}')
    if not is_positive(temperature):
        raise ValueError(f'{prefix}temperature must be a number above 0, got {temperature!r}')


def knn_predict(queries: Tensor,
                bank: Tensor,
                labels: Tensor,
                num_classes: int,
                k: int = 20,
                temperature: float = 0.07,
                device: torch.device | str | None = None) -> Tensor:
    """Classify features by the votes of their nearest neighbours.

    A neighbour at cosine similarity s votes for its class with weight exp(s / temperature), here
    in parts of the nearest one's: no temperature is too low for it.

    Args:
        queries (Tensor): N×F features, of any length.
        bank (Tensor): M×F features whose classes are known.
        labels (Tensor): M class indices, int64.
        num_classes (int): Number of classes.
        k (int): Neighbours that vote, 1…M. Defaults to 20.
        temperature (float): Above 0. Defaults to 0.07.
        device (torch.device | str, optional): Where to compare them, a part at a time: neither the
            bank nor the queries need fit there. Defaults to the bank's.

    Returns:
        Tensor: N class indices, int64, on that device.

    Raises:
        ValueError: See :func:`check_knn`.
    """
    check_knn(k, temperature, len(bank))
    device = device or bank.device
    labels = labels.to(device)
    predictions = []
    for chunk in queries.split(_QUERIES):
        similarities, neighbours = _nearest(F.normalize(chunk.to(device), dim=1), bank, k)
        votes = torch.zeros(len(chunk), num_classes, device=device)
        weights = ((similarities - similarities[:, :1]) / temperature).exp()  # the nearest has 1
        votes.scatter_add_(1, labels[neighbours], weights)
        predictions.append(votes.argmax(dim=1))
    return torch.cat(predictions)


def _nearest(queries: Tensor, bank: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Similarities (n×k, falling) and indices in the bank of the neighbours of unit vectors."""
    best = queries.new_empty(len(queries), 0)
    indices = best.long()
    for start in range(0, len(bank), _BANK):
        part = F.normalize(bank[start:start + _BANK].to(queries.device), dim=1)
        found, places = (queries @ part.t()).topk(min(k, len(part)), dim=1)
        found, places = torch.cat([best, found], 1), torch.cat([indices, start + places], 1)
        best, order = found.topk(min(k, found.size(1)), dim=1)
        indices = places.gather(1, order)
    return best, indices


def knn_accuracy(queries: Tensor, truth: Tensor, bank: Tensor, labels: Tensor,
                 k: int = 20, temperature: float = 0.07,
                 device: torch.device | str | None = None) -> float:
    """Share of features that :func:`knn_predict` classifies as they are labelled, in percent.

    Args:
        queries, bank, labels, k, temperature, device: See :func:`knn_predict`.
        truth (Tensor): N class indices of the queries, int64.
    """
    classes = 1 + int(max(labels.max(), truth.max()))
    predictions = knn_predict(queries, bank, labels, classes, k, temperature, device)
    return 100 * (predictions == truth.to(predictions.device)).float().mean().item()

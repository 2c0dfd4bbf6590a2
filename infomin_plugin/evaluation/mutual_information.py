"""Information that two views share, estimated from below by InfoNCE (Tian et al. 2020)."""

import logging
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

# An estimate above this part of its ceiling is saturated.
_SATURATION = 0.95

# Queries whose scores are held at a time, and draws of images at a time in the bootstrap: bounds of
# memory that do not change a result.
_BLOCK = 256
_DRAWS = 1 << 22


class MutualInformation(NamedTuple):
    """I_NCE of a pair of views, a lower bound of the information that they share."""

    # the estimate and its confidence interval over images, nats
    i_nce: float
    low: float
    high: float
    # keys that a query is compared with, its own included
    candidates: int
    # the most that I_NCE can be, log(candidates), nats
    ceiling: float
    # images of the mean
    images: int
    # the estimate is so near its ceiling that it says nothing about larger values
    saturated: bool


@torch.no_grad()
def info_nce_terms(queries: Tensor,
                   keys: Tensor,
                   temperature: float,
                   candidates: int | None = None,
                   negatives: Tensor | None = None,
                   seed: int = 0) -> Tensor:
    """Compute what each of a set of held-out images adds to I_NCE.

    Of a query at inner products s with its candidate keys, s_0 with its own, the term is

        log(candidates) + log(exp(s_0 / temperature) / sum over candidates of exp(s / temperature))

    the mean of which is I_NCE = log(candidates) - L_NCE <= I(v1; v2) (van den Oord et al. 2018;
    Tian et al. 2020, section 3.1). No term is above log(candidates).

    Without ``negatives`` the images are each other's: they are put into a random cyclic order, and
    a query is compared with its own key and those of the ``candidates`` - 1 images that follow. So
    each query has the same number of candidates, each key is used equally often, and neither the
    size of a batch nor the number of processes that computed the features has a part in it.

    Args:
        queries (Tensor): N×C features of one view, floating point, of any length.
        keys (Tensor): N×C features of the other view; row n of both is image n.
        temperature (float): Divisor of the inner products, above 0.
        candidates (int, optional): Keys for each query, its own included, 2…N. Defaults to N.
        negatives (Tensor, optional): K×C keys of other images, as of a queue or a bank, that every
            query is compared with besides its own key, K + 1 candidates.
        seed (int): Of the cyclic order. Defaults to 0.

    Returns:
        Tensor: N terms in nats, float64, on the CPU.

    Raises:
        ValueError: If shapes do not agree, a feature is not a finite number, ``temperature`` is not
            above 0, ``candidates`` is out of its range or given along with ``negatives``.
    """
    _check_features(queries, keys, negatives)
    if not temperature > 0:
        raise ValueError(f'temperature must be above 0, got {temperature}')
    if negatives is not None:
        if candidates is not None:
            raise ValueError(f'candidates must be None with negatives, got {candidates}: the own '
                             f'key and the {len(negatives)} negatives are the candidates')
        scores = _scores_with(queries, keys, negatives)
    else:
        candidates = len(keys) if candidates is None else candidates
        if not 2 <= candidates <= len(keys):
            raise ValueError(f'candidates must lie between 2 and the {len(keys)} images, '
                             f'got {candidates}')
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(keys), generator=generator)
        scores = _scores_within(queries, keys, candidates, order)
    terms = torch.empty(len(queries), dtype=torch.float64)
    for images, block in scores:
        logits = block / temperature
        own = logits.log_softmax(dim=1)[:, 0]
        terms[images] = own.cpu() + math.log(logits.size(1))
    return terms


def estimate(terms: Tensor,
             candidates: int,
             confidence: float = 0.95,
             resamples: int = 2000,
             seed: int = 0) -> MutualInformation:
    """Average the terms of I_NCE over images, with a bootstrap interval.

    The interval is the percentile bootstrap's: images are drawn with replacement, and the keys that
    each was compared with stay as they are. It is an interval of the bound: the views share more
    by what the encoders miss, and by what the bound loses as it nears its ceiling, log(candidates).
    A warning is logged if the estimate is within 5% of the ceiling, where it says nothing about
    larger values.

    Args:
        terms (Tensor): N values in nats of :func:`info_nce_terms`; of several directions (view 1 to
            2 and 2 to 1), their mean for each image.
        candidates (int): Keys that each query was compared with, its own included, 2 or more.
        confidence (float): Probability of the interval, between 0 and 1. Defaults to 0.95.
        resamples (int): Of the bootstrap, 1 or more. Defaults to 2000.
        seed (int): Of the bootstrap. Defaults to 0.

    Returns:
        MutualInformation: In nats.

    Raises:
        ValueError: If there are fewer than two terms, one is not a finite number or above
            log(candidates), or another argument is out of its range.
    """
    if candidates < 2:
        raise ValueError(f'candidates must be 2 or more, got {candidates}')
    if not 0 < confidence < 1:
        raise ValueError(f'confidence must lie between 0 and 1, got {confidence}')
    if resamples < 1:
        raise ValueError(f'resamples must be 1 or more, got {resamples}')
    ceiling = math.log(candidates)
    values = _checked_terms(terms, candidates)
    means = _resampled_means(values, resamples, np.random.default_rng(seed))
    interval = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    # a mean of terms at the ceiling may be rounded to above it
    i_nce, low, high = (min(float(value), ceiling) for value in (values.mean(), *interval))
    saturated = i_nce > _SATURATION * ceiling
    if saturated:
        print_log(f'I_NCE of {i_nce:.3f} nats is within {1 - _SATURATION:.0%} of its ceiling, the '
                  f'{ceiling:.3f} nats of {candidates} candidates: the views may share any amount '
                  'above it. Take more candidates.', 'current', logging.WARNING)
    return MutualInformation(
        i_nce, low, high, candidates, ceiling, len(values), saturated)


def _scores_with(queries: Tensor, keys: Tensor,
                 negatives: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Images of each block, b, and their scores, own key first, b×(1 + K)."""
    negatives = negatives.double().t()  # C×K
    for images in torch.arange(len(queries)).split(_BLOCK):
        block, own = queries[images].double(), keys[images].double()  # b×C
        yield images, torch.cat([(block * own).sum(dim=1, keepdim=True), block @ negatives], dim=1)


def _scores_within(queries: Tensor, keys: Tensor, candidates: int,
                   order: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Images of each block, b, and their scores, own key first, b×M."""
    for places in torch.arange(len(order)).split(_BLOCK):
        images, width = order[places], len(places) + candidates - 1
        following = order[(places[0] + torch.arange(width)) % len(order)]
        block = queries[images].double() @ keys[following].double().t()  # b×(b + M - 1)
        # row i begins at its own key, which is i columns further on than that of row 0
        yield images, block.as_strided((len(images), candidates), (width + 1, 1))


def _resampled_means(values: np.ndarray, resamples: int,
                     generator: np.random.Generator) -> np.ndarray:
    at_once = max(1, _DRAWS // len(values))
    means = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        draws = generator.integers(len(values), size=(rows, len(values)))
        means.append(values[draws].mean(axis=1))
    return np.concatenate(means)


def _checked_terms(terms: Tensor, candidates: int) -> np.ndarray:
    if terms.ndim != 1 or len(terms) < 2:
        raise ValueError(f'terms must be those of two or more images, got {tuple(terms.shape)}')
    if not terms.isfinite().all():
        raise ValueError('terms must be finite numbers')
    # the margin is the rounding of single precision
    if terms.max() > math.log(candidates) + 1e-5:
        raise ValueError(f'terms must not be above log(candidates), {math.log(candidates):.3f}, '
                         f'got {float(terms.max()):.3f}: candidates is not their number')
    return terms.detach().double().cpu().numpy()


def _check_features(queries: Tensor, keys: Tensor, negatives: Tensor | None) -> None:
    if queries.ndim != 2 or queries.shape != keys.shape or not len(queries):
        raise ValueError('queries and keys must both be N×C, one image or more, got '
                         f'{tuple(queries.shape)} and {tuple(keys.shape)}')
    named = dict(queries=queries, keys=keys)
    if negatives is not None:
        if negatives.ndim != 2 or negatives.size(1) != keys.size(1) or not len(negatives):
            raise ValueError(f'negatives must be K×{keys.size(1)}, one key or more, '
                             f'got {tuple(negatives.shape)}')
        named['negatives'] = negatives
    for name, features in named.items():
        if not features.is_floating_point() or not features.isfinite().all():
            raise ValueError(f'{name} must be finite floating-point numbers')

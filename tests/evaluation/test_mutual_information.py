import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from infomin_plugin.evaluation import mutual_information
from infomin_plugin.evaluation.mutual_information import estimate, info_nce_terms


def pairs(count, size, seed=0):
    return torch.randn(2, count, size, generator=torch.Generator().manual_seed(seed))


def naive_terms(queries, own, others, temperature):
    """By definition, one query at a time; others[n] are the negatives of query n."""
    terms = []
    for query, key, negatives in zip(queries.double(), own.double(), others, strict=True):
        scores = [math.exp(float(query @ key) / temperature)]
        scores += [math.exp(float(query @ other) / temperature) for other in negatives.double()]
        terms.append(math.log(len(scores)) + math.log(scores[0] / sum(scores)))
    return torch.tensor(terms, dtype=torch.float64)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_all_images_as_candidates_is_the_cross_entropy_of_the_matrix(dtype):
    queries, keys = pairs(300, 8).to(dtype)
    terms = info_nce_terms(queries, keys, 0.5)
    logits = queries.double() @ keys.double().t() / 0.5
    losses = F.cross_entropy(logits, torch.arange(300), reduction='none')
    assert terms.dtype == torch.float64
    torch.testing.assert_close(terms, math.log(300) - losses)


@pytest.mark.parametrize('candidates', [2, 5, 11])
@pytest.mark.parametrize('block', [1, 4, 256])
def test_windows_equal_a_loop(candidates, block, monkeypatch):
    monkeypatch.setattr(mutual_information, '_BLOCK', block)
    queries, keys = pairs(11, 4)
    order = torch.randperm(11, generator=torch.Generator().manual_seed(7)).tolist()
    windows = [[order[(order.index(image) + step) % 11] for step in range(1, candidates)]
               for image in range(11)]
    terms = info_nce_terms(queries, keys, 0.7, candidates, seed=7)
    torch.testing.assert_close(
        terms, naive_terms(queries, keys, [keys[window] for window in windows], 0.7))


@pytest.mark.parametrize('count', [255, 256, 257, 700])
def test_size_of_a_block_does_not_matter(count, monkeypatch):
    queries, keys = pairs(count, 6)
    negatives, _ = pairs(90, 6, seed=1)
    settings = [dict(candidates=100), dict(candidates=count), dict(negatives=negatives)]
    terms = [info_nce_terms(queries, keys, 0.3, **setting) for setting in settings]
    monkeypatch.setattr(mutual_information, '_BLOCK', 33)
    for before, setting in zip(terms, settings, strict=True):
        torch.testing.assert_close(before, info_nce_terms(queries, keys, 0.3, **setting))


def test_order_of_images_matters_for_the_windows_alone():
    queries, keys = pairs(2000, 4)
    shuffle = torch.randperm(2000, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(info_nce_terms(queries[shuffle], keys[shuffle], 1.0),
                               info_nce_terms(queries, keys, 1.0)[shuffle])
    windows = info_nce_terms(queries, keys, 1.0, 512)
    others = info_nce_terms(queries[shuffle], keys[shuffle], 1.0, 512)
    assert not torch.allclose(others, windows[shuffle])
    deviation = float(windows.std()) / math.sqrt(2000)
    assert float(others.mean()) == pytest.approx(float(windows.mean()), abs=deviation)


def test_seed_draws_the_windows():
    queries, keys = pairs(100, 4)
    terms = info_nce_terms(queries, keys, 1.0, 10, seed=0)
    assert torch.equal(terms, info_nce_terms(queries, keys, 1.0, 10, seed=0))
    assert not torch.allclose(terms, info_nce_terms(queries, keys, 1.0, 10, seed=1))


def test_negatives_equal_a_loop():
    queries, keys = pairs(12, 4)
    negatives, _ = pairs(30, 4, seed=1)
    terms = info_nce_terms(queries, keys, 0.7, negatives=negatives)
    torch.testing.assert_close(terms, naive_terms(queries, keys, [negatives] * 12, 0.7))


def test_a_queue_of_the_other_images_keys_is_the_batch():
    queries, keys = pairs(40, 4)
    within = info_nce_terms(queries, keys, 0.7)
    for image in range(40):
        others = keys[torch.arange(40) != image]
        alone = info_nce_terms(queries[[image]], keys[[image]], 0.7, negatives=others)
        torch.testing.assert_close(alone[0], within[image])


def test_a_queue_of_copies_of_the_own_key_tells_nothing():
    queries, keys = pairs(1, 4)
    terms = info_nce_terms(queries, keys, 0.7, negatives=keys.expand(99, 4))
    assert float(terms) == pytest.approx(0, abs=1e-12)


def test_large_scores_do_not_overflow():
    features = 1e4 * torch.eye(8)
    terms = info_nce_terms(features, features, 0.01, 4)
    assert terms.tolist() == pytest.approx([math.log(4)] * 8)
    assert info_nce_terms(features, -features, 1.0)[0] == pytest.approx(math.log(8 / 7) - 1e8)


def test_interval_agrees_with_the_normal_approximation():
    terms = torch.tensor(np.random.default_rng(0).normal(2, 0.7, size=20000))
    result = estimate(terms, 1024)
    half = stats.norm.ppf(0.975) * float(terms.std()) / math.sqrt(20000)
    assert result.images == 20000 and result.candidates == 1024
    assert result.i_nce == pytest.approx(float(terms.mean()))
    assert result.high - result.i_nce == pytest.approx(half, rel=0.08)
    assert result.i_nce - result.low == pytest.approx(half, rel=0.08)


@pytest.mark.parametrize('confidence', [0.8, 0.95])
def test_interval_covers_the_mean_as_often_as_it_says(confidence):
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(300):  # skewed, as the terms of real encoders are
        terms = torch.tensor(5 - generator.gamma(2, size=200))
        result = estimate(terms, 1024, confidence, resamples=400)
        hits += result.low <= 3 <= result.high
    assert stats.binomtest(hits, 300, confidence).pvalue > 0.01


def test_bootstrap_in_pieces_has_all_its_resamples(monkeypatch):
    terms = torch.tensor(np.random.default_rng(0).normal(2, 0.7, size=1000))
    whole = estimate(terms, 1024)
    monkeypatch.setattr(mutual_information, '_DRAWS', 7000)
    pieces = estimate(terms, 1024)
    assert pieces.low == pytest.approx(whole.low, abs=0.005)
    assert pieces.high == pytest.approx(whole.high, abs=0.005)
    monkeypatch.setattr(mutual_information, '_DRAWS', 1)  # one resample at a time
    three = estimate(terms, 1024, resamples=3)
    assert three.low < three.high


def test_one_resample_has_no_width():
    one = estimate(torch.tensor(np.random.default_rng(0).normal(2, 0.7, size=1000)), 1024,
                   resamples=1)
    assert one.low == one.high


@pytest.mark.parametrize('change, message', [
    (dict(queries=torch.ones(3, 4)), r'N×C.*\(3, 4\) and \(5, 4\)'),
    (dict(queries=torch.ones(5)), r'N×C.*\(5,\)'),
    (dict(keys=torch.full((5, 4), math.nan)), 'keys must be finite'),
    (dict(queries=torch.ones(5, 4, dtype=torch.long), keys=torch.ones(5, 4)), 'queries must be'),
    (dict(temperature=0.), 'temperature must be above 0, got 0'),
    (dict(temperature=math.nan), 'temperature must be above 0'),
    (dict(candidates=1), 'between 2 and the 5 images, got 1'),
    (dict(candidates=6), 'between 2 and the 5 images, got 6'),
    (dict(negatives=torch.ones(7, 3)), r'negatives must be K×4.*\(7, 3\)'),
    (dict(negatives=torch.full((7, 4), math.inf)), 'negatives must be finite'),
    (dict(negatives=torch.ones(7, 4), candidates=5), 'candidates must be None with negatives, got'),
])
def test_terms_refuse(change, message):
    arguments = dict(queries=torch.ones(5, 4), keys=torch.ones(5, 4), temperature=1.0)
    with pytest.raises(ValueError, match=message):
        info_nce_terms(**arguments | change)


@pytest.mark.parametrize('change, message', [
    (dict(terms=torch.zeros(1)), r'two or more images, got \(1,\)'),
    (dict(terms=torch.zeros(4, 2)), r'got \(4, 2\)'),
    (dict(terms=torch.tensor([0., math.nan])), 'terms must be finite'),
    (dict(terms=torch.tensor([0., 2.1])), 'not be above log.candidates., 2.079, got 2.1'),
    (dict(candidates=1), 'candidates must be 2 or more, got 1'),
    (dict(confidence=1.), 'confidence must lie between 0 and 1, got 1'),
    (dict(resamples=0), 'resamples must be 1 or more, got 0'),
])
def test_estimate_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        estimate(**dict(terms=torch.zeros(4), candidates=8) | change)

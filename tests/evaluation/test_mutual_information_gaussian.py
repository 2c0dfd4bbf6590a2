"""I_NCE of views whose shared information is known in closed form."""

import logging
import math

import pytest
import torch
from mmengine.logging import MMLogger
from scipy import stats
from torch import nn
from torch.nn import functional as F

from infomin_plugin.evaluation.mutual_information import estimate, info_nce_terms
from infomin_plugin.models.view_learning import cross_view_loss


def gaussian_views(count, dims, rho, seed):
    """Views whose coordinates correlate by rho: they share -dims / 2 · log(1 - rho²) nats."""
    generator = torch.Generator().manual_seed(seed)
    first, noise = torch.randn(2, count, dims, generator=generator, dtype=torch.float64)
    return first, rho * first + math.sqrt(1 - rho**2) * noise


def shared(dims, rho):
    return -dims / 2 * math.log(1 - rho**2)


def optimal_features(first, second, rho):
    """Features whose inner product is log p(second | first) / p(second)."""
    cross, square = rho / (1 - rho**2), -rho**2 / (2 * (1 - rho**2))
    one = torch.ones_like(first)
    constant = torch.full_like(first, -math.log(1 - rho**2) / 2)
    return (torch.cat([cross * first, square * first**2, one, constant], dim=1),
            torch.cat([second, one, square * second**2, one], dim=1))


@pytest.fixture
def warnings(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda: [record for record in caplog.records if record.levelno == logging.WARNING]
    logger.removeHandler(caplog.handler)


def test_optimal_features_are_the_log_ratio_of_densities():
    first, second = gaussian_views(50, 2, 0.7, seed=0)
    queries, keys = optimal_features(first, second, 0.7)
    ratio = (stats.norm.logpdf(second, 0.7 * first, math.sqrt(1 - 0.7**2))
             - stats.norm.logpdf(second)).sum(axis=1)
    assert (queries * keys).sum(dim=1).numpy() == pytest.approx(ratio)


@pytest.mark.parametrize('dims, rho', [(1, 0.3), (1, 0.9), (2, 0.7), (4, 0.5), (8, 0.4), (3, 0.8)])
def test_meets_the_closed_form_of_gaussians(dims, rho, warnings):
    views = optimal_features(*gaussian_views(4000, dims, rho, seed=0), rho)
    result = estimate(info_nce_terms(*views, 1.0, candidates=1024), 1024)
    assert result.low <= shared(dims, rho) <= result.high
    assert result.high - result.low < 0.15
    assert not result.saturated and not warnings()


@pytest.mark.parametrize('dims, rho, candidates', [
    (16, 0.9, 64), (12, 0.95, 256), (16, 0.99, 1024)])
def test_respects_the_ceiling_and_warns_of_it(dims, rho, candidates, warnings):
    assert shared(dims, rho) > math.log(candidates)
    views = optimal_features(*gaussian_views(2000, dims, rho, seed=0), rho)
    result = estimate(info_nce_terms(*views, 1.0, candidates), candidates)
    assert result.ceiling == pytest.approx(math.log(candidates))
    assert 0.95 * result.ceiling < result.i_nce <= result.high <= result.ceiling
    assert result.saturated
    (warning,) = warnings()
    assert f'{candidates} candidates' in warning.getMessage()


@pytest.mark.parametrize('candidates', [16, 64, 256])
def test_below_the_ceiling_the_bound_is_not_exceeded_either(candidates):
    """Too few candidates for the closed form, too many for the warning: the bound is loose."""
    views = optimal_features(*gaussian_views(2000, 4, 0.8, seed=0), 0.8)
    result = estimate(info_nce_terms(*views, 1.0, candidates), candidates)
    assert not result.saturated and result.low < shared(4, 0.8) < result.ceiling


@pytest.mark.parametrize('candidates', [64, 1024])
def test_independent_views_share_nothing(candidates):
    """Also for features that take them for dependent: the bound is then below 0."""
    views = gaussian_views(4000, 2, 0., seed=0)
    honest = estimate(info_nce_terms(*optimal_features(*views, 0.), 1.0, candidates), candidates)
    assert honest.i_nce == pytest.approx(0, abs=1e-9)
    wrong = estimate(info_nce_terms(*optimal_features(*views, 0.5), 1.0, candidates), candidates)
    assert wrong.high < 0


def test_interval_covers_what_gaussians_share():
    """Keys stay where they are when images are resampled: that must not narrow the interval."""
    hits = 0
    for seed in range(100):
        views = optimal_features(*gaussian_views(500, 2, 0.7, seed), 0.7)
        result = estimate(info_nce_terms(*views, 1.0, seed=seed), 500, resamples=300)
        hits += result.low <= shared(2, 0.7) <= result.high
    assert 89 <= hits <= 99


def trained_estimate(train, held_out, seed=0):
    """I_NCE of held-out pairs by encoders that were trained on others, both directions."""
    torch.manual_seed(seed)
    encoders = nn.ModuleList(
        nn.Sequential(nn.BatchNorm1d(view.size(1), affine=False), nn.Linear(view.size(1), 64),
                      nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
        for view in train)
    optimizer = torch.optim.Adam(encoders.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        batch = torch.randint(len(train[0]), (256, ))
        features = [F.normalize(encoder(view[batch].float()), dim=1)
                    for encoder, view in zip(encoders, train, strict=True)]
        loss, _ = cross_view_loss(*features, 0.2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    encoders.eval()
    with torch.no_grad():
        first, second = (F.normalize(encoder(view.float()), dim=1)
                         for encoder, view in zip(encoders, held_out, strict=True))
    terms = (info_nce_terms(first, second, 0.2, 512) + info_nce_terms(second, first, 0.2, 512)) / 2
    return estimate(terms, 512)


def changed(train, held_out, change):
    return tuple((first, change(second)) for first, second in (train, held_out))


@pytest.fixture(scope='module')
def trained():
    """Training and held-out pairs, and the estimate of the latter."""
    sets = gaussian_views(20000, 2, 0.8, seed=1), gaussian_views(4000, 2, 0.8, seed=2)
    return sets, trained_estimate(*sets)


def test_trained_encoders_find_what_gaussians_share(trained):
    _, result = trained
    assert 0.9 * shared(2, 0.8) < result.i_nce and result.low < shared(2, 0.8)


def test_noise_on_a_view_lowers_the_estimate(trained):
    sets, plain = trained
    generator = torch.Generator().manual_seed(3)
    noisy = trained_estimate(*changed(*sets, lambda view: view + 0.75 * torch.randn(
        view.shape, generator=generator, dtype=view.dtype)))
    assert noisy.high < plain.low
    # noise of deviation 0.75 on deviation 1 is of 1.25 in all
    assert noisy.i_nce == pytest.approx(shared(2, 0.8 / 1.25), abs=0.06)


def test_an_invertible_map_of_a_view_does_not_change_the_estimate(trained):
    sets, plain = trained
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    mapped = trained_estimate(*changed(*sets, lambda view: torch.sinh(view) @ turn + 5))
    assert mapped.low <= plain.i_nce <= mapped.high
    assert plain.low <= mapped.i_nce <= plain.high

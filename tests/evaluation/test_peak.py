import collections
import math

import numpy as np
import pytest

from infomin_plugin.evaluation.peak import fit_peak

VALUES = np.linspace(1, 4, 5)


def sweep(accuracy, deviation, seed, values=VALUES, seeds=2, common=0.):
    """Runs of a sweep: I_NCE, accuracy and varied value; `common` of the variance is a value's."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(values)), seeds)
    x = values[groups] + generator.normal(0, 0.03, len(groups))
    noise = (math.sqrt(common) * generator.normal(size=len(values))[groups]
             + math.sqrt(1 - common) * generator.normal(size=len(groups)))
    return x, accuracy(x) + deviation * noise, groups.tolist()


def hill(x, top=2.6):
    return 80 - 4 * (x - top)**2


@pytest.mark.parametrize('shift, scale', [(0, 1), (100, 1), (0, 1e-3), (5, 30)])
def test_exact_parabola_gives_its_vertex(shift, scale):
    x = shift + scale * np.array([1, 1.7, 2.2, 3.1, 4, 4.4])
    top = shift + 2.6 * scale
    peak = fit_peak(x, 80 - 4 * ((x - top) / scale)**2)
    assert peak.supported and peak.reason == ''
    assert [peak.location, peak.low, peak.high] == pytest.approx([top] * 3, abs=1e-6 * scale)
    assert peak.height == pytest.approx(80)


def test_coefficients_are_those_of_least_squares():
    x, y, groups = sweep(hill, 1., seed=0)
    peak = fit_peak(x, y, groups)
    expected = np.polynomial.polynomial.polyfit(x, y, 2)
    assert peak.coefficients == pytest.approx(expected.tolist())
    a, b, c = expected
    assert peak.location == pytest.approx(-b / (2 * c))
    assert peak.height == pytest.approx(a + b * peak.location + c * peak.location**2)


@pytest.mark.parametrize('values, seeds, deviation, common', [
    (5, 2, 0.5, 0.), (5, 2, 0.5, 0.5), (5, 2, 0.5, 0.9), (7, 3, 1., 0.5), (9, 1, 0.5, 0.)])
def test_interval_contains_the_truth_and_the_peak_is_supported(values, seeds, deviation, common):
    """Also where the seeds of a value err together, which drawn residuals would be blind to."""
    inside = supported = 0
    for seed in range(100):
        runs = sweep(hill, deviation, seed, np.linspace(1, 4, values), seeds, common)
        peak = fit_peak(*runs, resamples=400)
        inside += peak.low <= 2.6 <= peak.high
        supported += peak.supported
    assert inside >= 86
    assert supported >= 90


def test_more_noise_widens_the_interval():
    quiet, loud = (fit_peak(*sweep(hill, deviation, seed=0)) for deviation in (0.1, 1.))
    assert loud.high - loud.low == pytest.approx(10 * (quiet.high - quiet.low), rel=0.2)


def test_interval_of_many_values_is_that_of_error_propagation():
    x, y, groups = sweep(hill, 1., seed=0, values=np.linspace(1, 4, 400), seeds=1)
    design = np.vander(x, 3)
    c, b, a = np.linalg.lstsq(design, y, rcond=None)[0]
    # White's covariance, which knows nothing of equal deviations either
    spread = np.linalg.pinv(design) * (y - np.polyval((c, b, a), x))
    gradient = np.array([b / (2 * c**2), -1 / (2 * c), 0])
    half = 1.96 * np.linalg.norm(gradient @ spread)
    peak = fit_peak(x, y, groups, resamples=20000)
    assert (peak.high - peak.low) / 2 == pytest.approx(half, rel=0.03)


def test_seeds_of_a_value_are_resampled_together():
    """Copies of a run add nothing to what it says, but would as runs on their own."""
    x, y, groups = sweep(hill, 1., seed=0, seeds=1)
    once = fit_peak(x, y, groups)
    copies = np.tile(x, 4), np.tile(y, 4)
    together = fit_peak(*copies, groups * 4)
    assert (together.low, together.high) == pytest.approx((once.low, once.high))
    alone = fit_peak(*copies)
    assert alone.high - alone.low < 0.7 * (once.high - once.low)


def test_names_of_groups_and_order_of_runs_do_not_matter():
    x, y, groups = sweep(hill, 1., seed=0)
    peak = fit_peak(x, y, groups)
    assert fit_peak(x, y, [f'scale {group}' for group in groups]) == peak
    backwards = fit_peak(x[::-1], y[::-1], groups[::-1])
    assert backwards.location == pytest.approx(peak.location)
    assert backwards.low == pytest.approx(peak.low, abs=0.05)


def test_seed_decides_the_resamples():
    runs = sweep(hill, 1., seed=0)
    assert fit_peak(*runs, seed=3) == fit_peak(*runs, seed=3)
    assert fit_peak(*runs, seed=3).low != fit_peak(*runs, seed=4).low


def test_higher_confidence_widens_the_interval():
    runs = sweep(hill, 0.5, seed=0)
    narrow, wide = (fit_peak(*runs, confidence=confidence) for confidence in (0.5, 0.95))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize('accuracy, reason', [
    (lambda x: 60 + 5 * x, 'accuracy rises over the whole range'),
    (lambda x: 60 - 5 * x, 'accuracy falls over the whole range'),
    (lambda x: hill(x, top=6), 'accuracy rises over the whole range'),
    (lambda x: hill(x, top=-1), 'accuracy falls over the whole range'),
    (lambda x: 60 + 4 * (x - 2.4)**2, 'accuracy has a lowest point, not a highest'),
    (lambda x: np.full_like(x, 60), 'curvature is not distinguishable from none'),
])
@pytest.mark.parametrize('deviation', [0., 0.3])
def test_says_why_there_is_no_peak(accuracy, reason, deviation):
    peak = fit_peak(*sweep(accuracy, deviation, seed=0))
    assert not peak.supported
    assert peak.reason == reason


@pytest.mark.parametrize('deviation, top, reason', [
    (0.02, 4.2, 'accuracy rises over the whole range'),
    (0.3, 4.05, 'the peak of the parabola lies outside the measured range'),
    (0.8, 3.85, 'the interval of the peak reaches out of the measured range'),
])
def test_a_peak_at_the_edge_is_not_supported(deviation, top, reason):
    peak = fit_peak(*sweep(lambda x: hill(x, top), deviation, seed=2))
    assert not peak.supported
    assert peak.reason == reason
    assert peak.low < top < peak.high


def test_rounding_is_no_peak():
    generator = np.random.default_rng(0)
    for count in [5, 6, 7, 8] * 100:
        peak = fit_peak(5 * generator.random(count), np.full(count, 100 / 3), resamples=50)
        assert peak.reason == 'curvature is not distinguishable from none'


def test_flat_accuracy_seldom_passes_for_a_peak():
    reasons = collections.Counter(
        fit_peak(*sweep(lambda x: np.full_like(x, 60), 1., seed), resamples=400).reason
        for seed in range(200))
    assert reasons[''] <= 0.1 * 200
    assert reasons['curvature is not distinguishable from none'] >= 0.75 * 200


@pytest.mark.parametrize('values', [3, 4])
def test_needs_five_values_whatever_the_number_of_seeds(values):
    x, y, groups = sweep(hill, 0.01, seed=0, values=np.linspace(1, 4, values), seeds=4)
    peak = fit_peak(x, y, groups)
    assert not peak.supported
    assert peak.reason == f'too few points: 5 values are needed, there are {values}'
    assert peak.location == pytest.approx(2.6, abs=0.1)
    assert math.isnan(peak.low) and math.isnan(peak.high)


@pytest.mark.parametrize('x', [[2.], [1., 2.], [2.] * 6, [1., 2.] * 4])
def test_two_values_have_no_parabola(x):
    peak = fit_peak(x, np.arange(len(x)))
    assert not peak.supported
    assert peak.reason.startswith('too few points: 5 values are needed')
    assert all(map(math.isnan, (peak.location, peak.low, peak.high, *peak.coefficients)))


def test_without_a_highest_point_there_is_no_location():
    peak = fit_peak(VALUES, (VALUES - 2)**2)
    assert math.isnan(peak.location) and math.isnan(peak.height) and math.isnan(peak.low)
    assert peak.coefficients == pytest.approx((4, -4, 1))


@pytest.mark.parametrize('change, message', [
    (dict(x=[1, 2]), 'one entry for each run'),
    (dict(groups=[1, 2]), 'one entry for each run.* and 2'),
    (dict(x=[], y=[]), 'one run or more'),
    (dict(y=[1, 2, math.nan, 4, 5]), 'y must be finite'),
    (dict(x=[1, 2, math.inf, 4, 5]), 'x must be finite'),
    (dict(confidence=95), 'confidence must lie between 0 and 1, got 95'),
    (dict(resamples=0), 'resamples must be 1 or more, got 0'),
])
def test_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        fit_peak(**dict(x=[1, 2, 3, 4, 5], y=[1, 2, 3, 2, 1]) | change)

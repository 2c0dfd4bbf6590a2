import numpy as np
import pytest
import torch
from torch.nn import functional as F

from infomin_plugin.evaluation.linear import linear_read_out, linear_regression_read_out


def clouds(count, seed, noise=0.8):
    """Overlapping clouds around three directions, each feature on a scale of its own."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=count)
    features = np.eye(3, 6)[labels] + generator.normal(scale=noise, size=(count, 6))
    features = features * [1, 5, 0.1, 30, 1, 1] + [0, 3, 1, -50, 0, 0]
    return torch.tensor(features, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.parametrize('inverse_penalty', [0.01, 1.0])
def test_is_the_optimum_of_the_stated_loss(inverse_penalty):
    (bank, labels), (queries, truth) = clouds(300, seed=0), clouds(500, seed=1)
    found = linear_read_out(bank, labels, dict(test=(queries, truth)), inverse_penalty)
    # the oracle: the same loss, minimised by torch
    mean, std = bank.double().mean(0), bank.double().std(0, correction=0)
    inputs = (bank.double() - mean) / std
    weight = torch.zeros(3, 6, dtype=torch.double, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn='strong_wolfe')

    def loss():
        optimizer.zero_grad()
        value = (F.cross_entropy(F.linear(inputs, weight, bias), labels, reduction='sum')
                 + weight.square().sum() / (2 * inverse_penalty))
        value.backward()
        return value

    optimizer.step(loss)
    predicted = F.linear((queries.double() - mean) / std, weight, bias).argmax(1)
    assert found == {'test': pytest.approx(100 * (predicted == truth).double().mean().item())}
    assert 40 < found['test'] < 90


def test_scale_and_shift_of_the_features_do_not_matter():
    (bank, labels), (queries, truth) = clouds(300, seed=0), clouds(200, seed=1)
    scale, shift = torch.tensor([1, 2, 4, 0.5, 8, 0.25]), torch.arange(6.0)
    plain, moved = (linear_read_out(f(bank), labels, dict(a=(f(queries), truth)))
                    for f in (lambda x: x, lambda x: x * scale + shift))
    assert plain == moved


def test_labels_that_are_chance_stay_chance():
    bank, queries = torch.randn(400, 6), torch.randn(1000, 6)
    labels, truth = torch.arange(400) % 4, torch.arange(1000) % 4
    found = linear_read_out(bank, labels, dict(new=(queries, truth), same=(bank, labels)))
    assert 19 < found['new'] < 31  # 25 +- 4 standard deviations


def test_a_feature_that_is_constant_is_no_harm():
    bank, labels = clouds(200, seed=0, noise=0.1)
    bank[:, 3] = 7.0
    assert linear_read_out(bank, labels, dict(a=(bank, labels))) == {'a': 100.0}


def shared_nuisance(labels, noise):
    """The label is the difference of two features, which only a weak penalty lets grow."""
    nuisance = 5 * noise[:, :1]
    return torch.cat([nuisance + labels[:, None] + 0.2 * noise[:, 1:2], nuisance], dim=1)


def small_shifts(labels, noise):
    """The label shifts each of many noisy features a little, which a weak penalty overfits."""
    return noise + 0.1 * labels[:, None]


@pytest.mark.parametrize('features, best', [(shared_nuisance, 10.0), (small_shifts, 1e-4)])
def test_of_several_penalties_the_one_that_generalises_is_taken(features, best):
    def draw(count, seed):
        noise = torch.randn(count, 300, generator=torch.Generator().manual_seed(seed))
        labels = torch.arange(count) % 2
        return features(2.0 * labels - 1, noise), labels

    bank, queries = draw(600, seed=0), draw(2000, seed=1)
    alone = {c: linear_read_out(*bank, dict(a=queries), c)['a'] for c in (1e-4, 10.0)}
    assert alone[best] == max(alone.values()) > min(alone.values()) + 4  # the set is as said
    assert linear_read_out(*bank, dict(a=queries), [1e-4, 10.0])['a'] == alone[best]


@pytest.mark.parametrize('bank, labels, queries, penalty, message', [
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), [1, 2], 'has 2 images of a class'),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), [], 'inverse_penalty must be above 0'),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), [1, -2], 'inverse_penalty must be above 0'),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 5), 1, r"'a' must have N×3 features, got"),
    (torch.ones(4, 3), [0, 1, 0], torch.ones(2, 3), 1, 'the bank has 4 features and 3 labels'),
    (torch.ones(4, 3), [0, 1, 0, -1], torch.ones(2, 3), 1, r'without a label \(-1\)'),
    (torch.ones(4, 3), [2, 2, 2, 2], torch.ones(2, 3), 1, 'one class only, 2'),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), 0, 'inverse_penalty must be above 0'),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), '1', "inverse_penalty .*, got '1'"),
    (torch.ones(4, 3), [0, 1, 0, 1], torch.ones(2, 3), None, 'inverse_penalty .*, got None'),
])
def test_what_cannot_be_fitted_is_named(bank, labels, queries, penalty, message):
    with pytest.raises(ValueError, match=message):
        linear_read_out(bank, torch.tensor(labels), dict(a=(queries, torch.tensor([0, 1]))),
                        penalty)


def test_regression_is_ridge_in_closed_form():
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(260, 8, generator=generator) * 3 + 1
    targets = draw[:, :2] @ torch.tensor([[1., 2.], [0., -1.]]) + torch.randn(
        260, 2, generator=generator)
    bank, queries = slice(0, 200), slice(200, 260)
    found = linear_regression_read_out(draw[bank], targets[bank],
                                       dict(a=(draw[queries], targets[queries])), penalties=[50.])
    mean, std = draw[bank].mean(0), draw[bank].std(0, correction=0)
    inputs, tests = ((draw[part] - mean) / std for part in (bank, queries))
    centre = targets[bank].mean(0)
    weight = torch.linalg.solve(inputs.t() @ inputs + 50 * torch.eye(8),
                                inputs.t() @ (targets[bank] - centre))
    expected = (tests @ weight + centre - targets[queries]).norm(dim=1).mean()
    assert found == dict(a=pytest.approx(float(expected), rel=1e-4))
    best = linear_regression_read_out(draw[bank], targets[bank],
                                      dict(a=(draw[queries], targets[queries])))
    assert best['a'] < found['a']  # a weaker penalty is better here, and is found


@pytest.mark.parametrize('targets, penalties, message', [
    (torch.zeros(4), [1.], r'targets of 4×4 for 4 features, got \(4,\)'),
    (torch.zeros(3, 2), [1.], r'the bank must have targets of 4×2 .* got \(3, 2\)'),
    (torch.zeros(4, 2), [0.], 'penalties must be above 0'),
])
def test_regressions_that_cannot_be(targets, penalties, message):
    with pytest.raises(ValueError, match=message):
        linear_regression_read_out(torch.ones(4, 3), targets, {}, penalties)

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch.nn import functional as F

from infomin_plugin.evaluation.knn import check_knn, knn_predict


def clusters(count, seed):
    """Overlapping clouds around three directions."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=count)
    features = np.eye(3, 8)[labels] + generator.normal(scale=0.6, size=(count, 8))
    return torch.tensor(features, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.parametrize('k, temperature', [(1, 0.07), (20, 0.07), (50, 0.5)])
def test_agrees_with_scikit_learn(k, temperature):
    bank, labels = clusters(400, seed=0)
    queries, _ = clusters(200, seed=1)
    # sklearn's cosine distance is 1 - similarity; the constant cancels in the vote
    oracle = KNeighborsClassifier(
        k, metric='cosine', weights=lambda distance: np.exp((1 - distance) / temperature))
    expected = oracle.fit(bank.numpy(), labels.numpy()).predict(queries.numpy())
    predicted = knn_predict(queries, bank, labels, 3, k, temperature)
    assert predicted.tolist() == expected.tolist()


def test_a_bank_larger_than_a_part_is_searched_whole():
    """Over 2**14 images of the bank and 2**12 queries, neighbours lie in any part."""
    bank, labels = clusters(40000, seed=0)
    queries, _ = clusters(4100, seed=1)
    similarities = F.normalize(queries, dim=1).double() @ F.normalize(bank, dim=1).double().t()
    found, neighbours = similarities.topk(20, dim=1)
    votes = torch.zeros(len(queries), 3, dtype=torch.float64)
    votes.scatter_add_(1, labels[neighbours], (found / 0.07).exp())
    assert torch.equal(knn_predict(queries, bank, labels, 3), votes.argmax(dim=1))


def test_length_of_a_feature_does_not_matter():
    bank, labels = clusters(100, seed=0)
    queries, _ = clusters(50, seed=1)
    scales = torch.rand(100, 1) + 0.1
    assert torch.equal(knn_predict(queries, bank, labels, 3),
                       knn_predict(7 * queries, scales * bank, labels, 3))


def test_a_close_neighbour_outvotes_two_far_ones():
    bank = torch.tensor([[1.0, 0.0], [0.5, 0.87], [0.5, -0.87]])
    labels = torch.tensor([0, 1, 1])
    assert knn_predict(torch.tensor([[1.0, 0.0]]), bank, labels, 2, k=3).item() == 0
    assert knn_predict(torch.tensor([[1.0, 0.0]]), bank, labels, 2, k=3, temperature=5).item() == 1


@pytest.mark.parametrize('temperature', [1e-3, 1e-30])
def test_with_next_to_no_temperature_the_nearest_decides(temperature):
    bank, labels = clusters(400, seed=0)
    queries, _ = clusters(200, seed=1)
    assert torch.equal(knn_predict(queries, bank, labels, 3, 20, temperature),
                       knn_predict(queries, bank, labels, 3, 1))


@pytest.mark.parametrize('k', [0, 4, 2.0, True, '2'])
def test_refuses_more_neighbours_than_there_are(k):
    with pytest.raises(ValueError, match=f'between 1 and the bank\'s 3 images, got {k!r}'):
        knn_predict(torch.ones(1, 2), torch.ones(3, 2), torch.zeros(3, dtype=torch.long), 1, k)


@pytest.mark.parametrize('temperature', [0, -0.07, float('nan'), '0.07', None])
def test_refuses_temperatures_that_are_not_above_zero(temperature):
    with pytest.raises(ValueError, match=f'temperature must be .* 0, got {temperature!r}'):
        knn_predict(torch.ones(1, 2), torch.ones(3, 2), torch.zeros(3, dtype=torch.long), 1, 1,
                    temperature)


def test_a_refusal_names_the_setting_as_the_caller_does():
    with pytest.raises(ValueError, match='^read_out.knn.k must be a whole number of 1 or more'):
        check_knn(k=0, prefix='read_out.knn.')

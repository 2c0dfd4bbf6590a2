import math

import pytest
import torch
from torch.nn import functional as F

from infomin_plugin.models import ContrastiveHead

# three unit vectors in the plane, at 0, 90 and 180 degrees
RIGHT, UP, LEFT = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]


def embeddings(size, negatives, dtype=torch.float32):
    torch.manual_seed(0)
    return [F.normalize(torch.randn(number, 8, dtype=dtype), dim=1)
            for number in (size, size, negatives)]


def cross_entropy(queries, keys, negatives, temperature):
    """Of the logits in a row, the positive first, and their accuracy."""
    logits = torch.cat([(queries * keys).sum(dim=1, keepdim=True), queries @ negatives.t()],
                       dim=1) / temperature
    hits = (logits.argmax(dim=1) == 0).float().mean()
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long)), 100 * hits


@pytest.mark.parametrize('temperature', [0.01, 0.15, 1.0])
def test_it_is_the_cross_entropy_of_the_logits(temperature):
    queries, keys, negatives = embeddings(32, 50)
    ours, theirs = queries.clone().requires_grad_(), queries.clone().requires_grad_()
    loss, accuracy = ContrastiveHead(temperature, 0.25).loss(ours, keys, negatives)
    expected, expected_accuracy = cross_entropy(theirs, keys, negatives, temperature)
    torch.testing.assert_close(loss, 0.25 * expected)
    assert accuracy == expected_accuracy
    loss.backward()
    (0.25 * expected).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_gradients_are_those_of_finite_differences():
    queries, keys, negatives = embeddings(3, 5, torch.float64)
    head = ContrastiveHead(0.2, 0.5)
    assert torch.autograd.gradcheck(
        lambda q, k: head.loss(q, k, negatives)[0],
        (queries.requires_grad_(), keys.requires_grad_()))


def test_under_mixed_precision_the_loss_is_of_single():
    queries, keys, negatives = embeddings(16, 64)
    head = ContrastiveHead(0.07)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss, _ = head.loss(queries, keys, negatives)
        from_halves, _ = head.loss(queries.bfloat16(), keys, negatives)
    assert torch.equal(loss, head.loss(queries, keys, negatives)[0])
    assert from_halves.dtype == torch.float32
    torch.testing.assert_close(from_halves, loss, rtol=0, atol=0.05)


def test_negatives_may_change_before_the_backward_pass():
    queries, keys, negatives = embeddings(4, 6)
    ours, theirs = queries.clone().requires_grad_(), queries.clone().requires_grad_()
    cross_entropy(theirs, keys, negatives, 0.2)[0].backward()
    loss, _ = ContrastiveHead(0.2).loss(ours, keys, negatives)
    negatives.zero_()
    loss.backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_negatives_that_want_a_gradient_are_refused():
    queries, keys, negatives = embeddings(2, 3)
    with pytest.raises(ValueError, match='negatives are constants'):
        ContrastiveHead(0.2).loss(queries, keys, negatives.requires_grad_())


def test_loss_and_accuracy_by_hand():
    head = ContrastiveHead(temperature=0.5, loss_weight=0.25)
    loss, accuracy = head.loss(
        torch.tensor([RIGHT, UP]), torch.tensor([RIGHT, LEFT]), torch.tensor([UP, LEFT]))
    # rows of logits: [2, 0, -2] and [0, 2, 0]
    first = -math.log(math.exp(2) / (math.exp(2) + 1 + math.exp(-2)))
    second = -math.log(1 / (1 + math.exp(2) + 1))
    assert loss.item() == pytest.approx(0.25 * (first + second) / 2, rel=1e-6)
    assert accuracy.item() == 50


def test_identical_embeddings_give_the_logarithm_of_the_candidates():
    vectors = torch.tensor([RIGHT]).expand(4, 2)
    loss, _ = ContrastiveHead(temperature=0.07).loss(vectors, vectors, vectors)
    assert loss.item() == pytest.approx(math.log(5), rel=1e-6)


def test_gradient_pulls_to_the_key_and_pushes_from_the_negative():
    queries = torch.tensor([[0.6, 0.8]], requires_grad=True)
    loss, _ = ContrastiveHead(temperature=1.0).loss(
        queries, torch.tensor([RIGHT]), torch.tensor([UP]))
    loss.backward()
    descent = -queries.grad[0]
    assert descent[0] > 0 > descent[1]


@pytest.mark.parametrize('arguments, words', [
    (dict(temperature=0), 'temperature must be above 0, got 0'),
    (dict(temperature=0.1, loss_weight=-1), 'loss_weight must not be negative, got -1'),
])
def test_refuses_arguments_out_of_range(arguments, words):
    with pytest.raises(ValueError, match=words):
        ContrastiveHead(**arguments)

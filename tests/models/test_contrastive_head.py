import math

import pytest
import torch

from infomin_plugin.models import ContrastiveHead

# three unit vectors in the plane, at 0, 90 and 180 degrees
RIGHT, UP, LEFT = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]


def test_logits_by_hand():
    head = ContrastiveHead(temperature=0.5)
    logits = head.logits(
        torch.tensor([RIGHT, UP]), torch.tensor([RIGHT, LEFT]), torch.tensor([UP, LEFT, RIGHT]))
    # row: the own key first, then the three negatives; similarity / 0.5
    assert logits.tolist() == [[2, 0, -2, 2], [0, 2, 0, 0]]


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

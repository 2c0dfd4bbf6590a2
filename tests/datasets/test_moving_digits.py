"""Digits of Colorful Moving-MNIST: where they come from and how they move."""

import struct

import numpy as np
import pytest
from scipy import stats
from sklearn.neighbors import KNeighborsClassifier

from infomin_plugin.datasets.colorful_moving_mnist import digits
from infomin_plugin.datasets.colorful_moving_mnist.digits import load_digits
from infomin_plugin.datasets.colorful_moving_mnist.motion import draw_motion, follow, reflect

SPAN = 64 - 28


def test_reflection_is_a_ball_between_walls():
    """Against steps of a hundredth of a pixel that turn round at a wall."""
    place, direction, span = 4.0, 1, 7.0
    expected = []
    for _ in range(5000):
        expected.append(place)
        place += 0.01 * direction
        if not 0 <= place <= span:
            place = -place if place < 0 else 2 * span - place
            direction = -direction
    np.testing.assert_allclose(reflect(4.0 + 0.01 * np.arange(5000), span), expected, atol=1e-6)
    np.testing.assert_allclose(reflect(np.array([-1.0, 0, 7, 8, -15, 29]), span),
                               [1, 0, 7, 6, 1, 1])


@pytest.mark.parametrize('speed', [0.1, 0.37, 1.9])
def test_a_digit_stays_inside_at_any_time(speed):
    rng = np.random.default_rng(0)
    for _ in range(200):
        corners = follow(*draw_motion(rng, SPAN, speed * 64), 500, SPAN)
        assert corners.min() >= 0 and corners.max() <= SPAN


def test_directions_and_starts_are_uniform():
    rng = np.random.default_rng(3)
    starts, steps = map(np.array, zip(*(draw_motion(rng, SPAN, 6.4) for _ in range(4000)),
                                      strict=True))
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 6.4)
    angles = np.arctan2(steps[:, 0], steps[:, 1]) / (2 * np.pi) % 1
    for values in (angles, starts[:, 0] / SPAN, starts[:, 1] / SPAN):
        assert stats.kstest(values, 'uniform').pvalue > 0.01


def test_digits_of_the_splits_are_disjoint_and_balanced():
    train, test = (load_digits('sklearn', None, split, 28) for split in ('train', 'test'))
    assert len(train.labels) + len(test.labels) == 1797
    assert train.alphas.shape == (len(train.labels), 28, 28) and train.alphas.dtype == np.uint8
    for label in range(10):
        held_out, kept = (int((part.labels == label).sum()) for part in (test, train))
        assert abs(held_out - 0.2 * (held_out + kept)) <= 1
    assert not {image.tobytes() for image in train.alphas} & {
        image.tobytes() for image in test.alphas}


def test_enlarged_digits_keep_their_labels():
    """The nearest of the training digits is of the same class."""
    train, test = (load_digits('sklearn', None, split, 28) for split in ('train', 'test'))
    nearest = KNeighborsClassifier(1).fit(train.alphas.reshape(-1, 28 * 28), train.labels)
    assert nearest.score(test.alphas.reshape(-1, 28 * 28), test.labels) > 0.95


def write_mnist(root, train, test):
    """Write arrays (N, 28, 28) in MNIST's format; the label of image i is i % 10."""
    raw = root / 'MNIST/raw'
    raw.mkdir(parents=True)
    for name, images in (('train', train), ('t10k', test)):
        labels = (np.arange(len(images)) % 10).astype(np.uint8)
        (raw / f'{name}-images-idx3-ubyte').write_bytes(
            struct.pack('>4i', 2051, len(images), 28, 28) + images.tobytes())
        (raw / f'{name}-labels-idx1-ubyte').write_bytes(
            struct.pack('>2i', 2049, len(labels)) + labels.tobytes())


def test_mnist_is_taken_where_it_is(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 30, 28, 28), np.uint8)
    write_mnist(tmp_path, images[0], images[1, :20])
    for split, expected in (('train', images[0]), ('test', images[1, :20])):
        for source in ('auto', 'mnist'):
            found = load_digits(source, str(tmp_path), split, 28)
            assert found.source == 'mnist'
            np.testing.assert_array_equal(found.alphas, expected)
            assert found.labels.tolist() == [i % 10 for i in range(len(expected))]


def test_auto_says_what_it_took(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(digits, 'print_log', lambda message, *_: said.append(message))
    assert load_digits('auto', str(tmp_path), 'train', 28).source == 'sklearn'
    write_mnist(tmp_path, *np.zeros((2, 10, 28, 28), np.uint8))
    load_digits('auto', str(tmp_path), 'test', 28)
    load_digits('sklearn', None, 'train', 28)
    assert len(said) == 2
    assert "took 'sklearn'" in said[0] and f'{tmp_path} has no MNIST files' in said[0]
    assert "took 'mnist', 10 of the split 'test'" in said[1]


def test_mnist_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=f'{tmp_path} has no MNIST files'):
        load_digits('mnist', str(tmp_path), 'train', 28)
    with pytest.raises(FileNotFoundError, match='digits_root is not set'):
        load_digits('mnist', None, 'train', 28)

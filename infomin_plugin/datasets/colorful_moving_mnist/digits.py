"""Handwritten digits as alpha, from MNIST's files or from scikit-learn, and how one is drawn."""

import logging
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.logging import print_log

from ..mini.sources import DIGIT_NAMES, Digits, split_cutouts
from ..transforms.checks import one_of

SOURCES = ('auto', 'mnist', 'sklearn')
# scikit-learn's digits have no published split: this part of every class is held out, whatever
# the seed of the data set, so that no run trains on what another tests.
_TEST_FRACTION = 0.2


class DigitSet(NamedTuple):
    """Digits of one split.

    Attributes:
        source: 'mnist' or 'sklearn'.
        alphas: uint8 (N, side, side), 0 where there is no ink.
        labels: int64 (N,), 0…9.
        classes: Ten names.
    """

    source: str
    alphas: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = DIGIT_NAMES


def load_digits(source: str, root: str | None, split: str, side: int) -> DigitSet:
    """Load the digits of a split; those of 'train' and of 'test' have no instance in common.

    Args:
        source: 'mnist' for MNIST's files below ``root``, as torchvision lays them out; 'sklearn'
            for scikit-learn's 1,797, enlarged smoothly, a fixed fifth of each class for 'test';
            'auto' for MNIST if it is there, else scikit-learn. The log says which.
        root: The folder of MNIST's files, in ``MNIST/raw`` below it; None if there is none.
        split: 'train' or 'test'.
        side: Of the digits, px.

    Raises:
        FileNotFoundError: If 'mnist' is wanted and is not there.
        ValueError: If ``source`` is none of these.
    """
    one_of('digits', source, SOURCES)
    if source == 'sklearn':
        return _from_sklearn(split, side)
    try:
        digits = _from_mnist(root, split, side)
    except FileNotFoundError as error:
        if source == 'mnist':
            raise
        digits, reason = _from_sklearn(split, side), f'; {error}'
    else:
        reason = f', found in {root}'
    if source == 'auto':
        print_log(f"digits='auto' took {digits.source!r}, {len(digits.labels)} of the split "
                  f'{split!r}{reason}', 'current', logging.INFO)
    return digits


def _from_mnist(root: str | None, split: str, side: int) -> DigitSet:
    if root is None:
        raise FileNotFoundError('digits_root is not set: there are no MNIST files')
    # The class MNIST would rather unpickle a MNIST/processed of old, and run the code in it.
    from torchvision.datasets.mnist import read_image_file, read_label_file

    prefix = Path(root, 'MNIST/raw', 'train' if split == 'train' else 't10k')
    images, labels = f'{prefix}-images-idx3-ubyte', f'{prefix}-labels-idx1-ubyte'
    if not (Path(images).is_file() and Path(labels).is_file()):
        raise FileNotFoundError(f'digits_root: {root} has no MNIST files, which must be in '
                                'MNIST/raw below it')
    try:
        alphas, numbers = read_image_file(images).numpy(), read_label_file(labels).numpy()
    except Exception as error:  # torchvision asserts what the files say, if anything
        raise ValueError(f'{images} or {labels} is not of MNIST\'s form: '
                         f'{type(error).__name__} {error}') from error
    if len(alphas) != len(numbers) or not 0 < alphas.shape[1] == alphas.shape[2] or not (
            0 <= numbers.min() <= numbers.max() < len(DIGIT_NAMES)):
        raise ValueError(f'{images} has images of {alphas.shape}, {labels} {len(numbers)} labels: '
                         'these must be square images of ten digits, and a label each')
    return DigitSet('mnist', _resized(alphas, side), numbers)


def _from_sklearn(split: str, side: int) -> DigitSet:
    digits = split_cutouts(Digits().load(side), _TEST_FRACTION, np.random.default_rng(0))[split]
    return DigitSet('sklearn', _resized([digit.alpha for digit in digits], side),
                    np.array([digit.label for digit in digits]))


def _resized(images, side: int) -> np.ndarray:
    """Bring square images to one side; areas are averaged where they become smaller."""
    return np.stack([
        image if len(image) == side else
        cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if len(image) > side
                   else cv2.INTER_LINEAR) for image in images])


def draw_digit(alpha: np.ndarray, background: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Draw a digit in white at each of several places of the same background.

    Args:
        alpha: uint8 (side, side).
        background: uint8 (H, W, 3).
        corners: int (T, 2), the upper left corners (y, x); the digit must lie inside.

    Returns:
        uint8 (T, H, W, 3): ``background · (1 − a) + 255 · a`` with a = alpha / 255, rounded.
    """
    side = len(alpha)
    ink = alpha.astype(np.uint16)[..., None]
    rest, white = 255 - ink, 255 * ink + 127  # 127 rounds the division below
    frames = np.repeat(background[None], len(corners), axis=0)
    for frame, (y, x) in zip(frames, corners, strict=True):
        window = frame[y:y + side, x:x + side]
        window[:] = (window * rest + white) // 255
    return frames

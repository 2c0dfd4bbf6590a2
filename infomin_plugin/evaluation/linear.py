"""Linear read-out of frozen features: how much of the labels a linear classifier finds in them."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from .numbers import is_positive

# Part of the bank that candidates of the penalty are compared on; the split is always the same.
_HELD_OUT = 0.2


def check_penalties(inverse_penalty: float | Sequence[float] = 1.0,
                    prefix: str = '') -> list[float]:
    """Refuse penalties of :func:`linear_read_out`, which need not wait for the features.

    Args:
        inverse_penalty: See :func:`linear_read_out`.
        prefix (str): Of its name in the message, such as ``'read_out.'``.

    Returns:
        list[float]: Sorted.

    Raises:
        ValueError: If it is neither a number above 0 nor several such numbers.
    """
    several = isinstance(inverse_penalty, Sequence) and not isinstance(inverse_penalty, str)
    candidates = list(inverse_penalty) if several else [inverse_penalty]
    if not candidates or not all(map(is_positive, candidates)):
        raise ValueError(f'{prefix}inverse_penalty must be above 0, one number or a list to choose '
                         f'from, got {inverse_penalty!r}')
    return sorted(candidates)


def linear_read_out(bank: Tensor,
                    labels: Tensor,
                    queries: dict[str, tuple[Tensor, Tensor]],
                    inverse_penalty: float | Sequence[float] = 1.0,
                    max_iter: int = 1000) -> dict[str, float]:
    """Fit a linear classifier to frozen features and measure it on other ones.

    Features are standardised by the mean and deviation of the bank, then multinomial logistic
    regression is fitted, which minimises

        sum of the cross-entropies (nats) + |weights|² / (2 · inverse_penalty)

    to its optimum (scikit-learn, L-BFGS; the bias is not penalised). There is no learning rate and
    no randomness, so that differences between two sets of features are the features' own; the
    protocol on ImageNet, by SGD on augmented images (Tian et al. 2020, appendix), is another. Of
    several penalties the one is taken that is best on a fifth of the bank, after a fit to the rest;
    test images have no part in it.

    Args:
        bank (Tensor): M×F features to fit.
        labels (Tensor): M class indices, int64, 0 or more.
        queries (dict[str, tuple[Tensor, Tensor]]): N×F features and N labels of each test set, by
            name.
        inverse_penalty (float | Sequence[float]): scikit-learn's C, above 0, or several to choose
            from; of equally good ones the smallest. Defaults to 1.
        max_iter (int): Most iterations of the optimiser. Defaults to 1000.

    Returns:
        dict[str, float]: Accuracy in percent on each test set, by name.

    Raises:
        ValueError: If an argument is out of range, a label is missing (-1), the bank has one class
            only or too few images of one to choose a penalty, or a test set has features of another
            size.
    """
    candidates = check_penalties(inverse_penalty)
    bank, labels = _checked('the bank', bank, labels, bank.size(-1))
    if len(np.unique(labels)) < 2:
        raise ValueError(f'the bank has images of one class only, {labels[0]}')
    tests = {name: _checked(f'test set {name!r}', *pair, bank.shape[1])
             for name, pair in queries.items()}
    best = candidates[0]
    if len(candidates) > 1:
        fewest = np.unique(labels, return_counts=True)[1].min()
        if fewest < 1 / _HELD_OUT:
            raise ValueError(f'the bank has {fewest} images of a class, too few to choose one of '
                             f'{len(candidates)} penalties: give one inverse_penalty')
        fit, held_out, fit_labels, truth = train_test_split(
            bank, labels, test_size=_HELD_OUT, stratify=labels, random_state=0)
        best = max(candidates, key=lambda candidate: _classifier(candidate, max_iter).fit(
            fit, fit_labels).score(held_out, truth))
    classifier = _classifier(best, max_iter).fit(bank, labels)
    return {name: 100 * float(classifier.score(features, truth))
            for name, (features, truth) in tests.items()}


def linear_regression_read_out(bank: Tensor, targets: Tensor,
                               queries: dict[str, tuple[Tensor, Tensor]],
                               penalties: Sequence[float] = (1.0, 10.0, 100.0, 1000.0),
                               ) -> dict[str, float]:
    """Fit a linear map from frozen features to positions and measure its error on other ones.

    Features are standardised by the bank. The map minimises the squared errors plus a penalty times
    its squared weights; of several penalties the one is taken that is best when each image of the
    bank is left out in turn (ridge regression; scikit-learn, in closed form).

    Args:
        bank (Tensor): M×F features to fit.
        targets (Tensor): M×D floating-point vectors, such as places in pixels.
        queries (dict[str, tuple[Tensor, Tensor]]): N×F features and N×D targets of each test set.
        penalties (Sequence[float]): To choose from, above 0.

    Returns:
        dict[str, float]: Mean Euclidean distance, in the targets' unit, by test set.

    Raises:
        ValueError: If shapes do not agree or a penalty is not above 0.
    """
    if not len(penalties) or min(penalties) <= 0:
        raise ValueError(f'penalties must be above 0, got {penalties}')
    for name, (features, truth) in {'the bank': (bank, targets), **queries}.items():
        wanted = len(features), targets.shape[-1]
        if tuple(truth.shape) != wanted:
            raise ValueError(f'{name} must have targets of {wanted[0]}×{wanted[1]} for '
                             f'{wanted[0]} features, got {tuple(truth.shape)}')
    regression = make_pipeline(StandardScaler(), RidgeCV(alphas=list(penalties)))
    regression.fit(bank.double().numpy(), targets.double().numpy())
    return {name: float(np.linalg.norm(
        regression.predict(features.double().numpy()) - truth.double().numpy(), axis=1).mean())
        for name, (features, truth) in queries.items()}


def _classifier(inverse_penalty: float, max_iter: int) -> Pipeline:
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=inverse_penalty, max_iter=max_iter))


def _checked(name: str, features: Tensor, labels: Tensor, size: int) -> tuple:
    if features.ndim != 2 or features.size(1) != size:
        raise ValueError(f'{name} must have N×{size} features, got {tuple(features.shape)}')
    if len(features) != len(labels):
        raise ValueError(f'{name} has {len(features)} features and {len(labels)} labels')
    if labels.min() < 0:
        raise ValueError(f'{name} has images without a label ({int(labels.min())})')
    # in double precision, in which L-BFGS reaches the optimum
    return features.double().cpu().numpy(), labels.cpu().numpy()

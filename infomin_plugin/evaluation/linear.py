"""Linear read-out of frozen features: how much of the labels a linear classifier finds in them."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor


def linear_read_out(bank: Tensor,
                    labels: Tensor,
                    queries: dict[str, tuple[Tensor, Tensor]],
                    inverse_penalty: float = 1.0,
                    max_iter: int = 1000) -> dict[str, float]:
    """Fit a linear classifier to frozen features and measure it on other ones.

    Features are standardised by the mean and deviation of the bank, then multinomial logistic
    regression is fitted, which minimises

        sum of the cross-entropies (nats) + |weights|² / (2 · inverse_penalty)

    to its optimum (scikit-learn, L-BFGS; the bias is not penalised). There is no learning rate and
    no randomness, so that differences between two sets of features are the features' own; the
    protocol on ImageNet, by SGD on augmented images (Tian et al. 2020, appendix), is another.

    Args:
        bank (Tensor): M×F features to fit.
        labels (Tensor): M class indices, int64, 0 or more.
        queries (dict[str, tuple[Tensor, Tensor]]): N×F features and N labels of each test set, by
            name.
        inverse_penalty (float): scikit-learn's C, above 0. Defaults to 1.
        max_iter (int): Most iterations of the optimiser. Defaults to 1000.

    Returns:
        dict[str, float]: Accuracy in percent on each test set, by name.

    Raises:
        ValueError: If an argument is out of range, a label is missing (-1), the bank has one class
            only, or a test set has features of another size.
    """
    if inverse_penalty <= 0:
        raise ValueError(f'inverse_penalty must be above 0, got {inverse_penalty}')
    bank, labels = _checked('the bank', bank, labels, bank.size(-1))
    if len(np.unique(labels)) < 2:
        raise ValueError(f'the bank has images of one class only, {labels[0]}')
    tests = {name: _checked(f'test set {name!r}', *pair, bank.shape[1])
             for name, pair in queries.items()}
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=inverse_penalty, max_iter=max_iter))
    classifier.fit(bank, labels)
    return {name: 100 * float(np.mean(classifier.predict(features) == truth))
            for name, (features, truth) in tests.items()}


def _checked(name: str, features: Tensor, labels: Tensor, size: int) -> tuple:
    if features.ndim != 2 or features.size(1) != size:
        raise ValueError(f'{name} must have N×{size} features, got {tuple(features.shape)}')
    if len(features) != len(labels):
        raise ValueError(f'{name} has {len(features)} features and {len(labels)} labels')
    if labels.min() < 0:
        raise ValueError(f'{name} has images without a label ({int(labels.min())})')
    # in double precision, in which L-BFGS reaches the optimum
    return features.double().cpu().numpy(), labels.cpu().numpy()

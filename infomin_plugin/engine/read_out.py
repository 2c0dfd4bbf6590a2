"""Linear read-out of a trained model, by what its config says."""

from copy import deepcopy
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infomin_plugin.evaluation.linear import linear_read_out, linear_regression_read_out
from infomin_plugin.registry import SCOPE

from .reroot import reroot
from .trained import extract_features, load_trained

# ends the name of a score that is a distance, the smaller the better
ERROR = 'error'


def read_out(cfg: Config, checkpoint: str | Path) -> dict[str, float]:
    """Measure the features of a trained model with a linear classifier.

    Reads ``cfg.read_out``: ``bank``, the data loader of the labelled images to fit; ``queries``,
    data loaders of test images by name; ``optional``, names among them that are left out where
    the set has no such folder or file; ``inverse_penalty``, see :func:`linear_read_out`;
    ``labels``, the keys of a batch that are read out, each a task, by name, if it is not
    ``gt_label`` alone. Labels that are vectors of real numbers are read out by
    :func:`linear_regression_read_out`. Features are those of the model's ``tensor`` mode, in
    evaluation mode.

    Several tasks with images of their own: ``cfg.read_out`` has such a dict for each, by name.

    Args:
        cfg (Config): With ``model`` and ``read_out``. Not changed.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        dict[str, float]: Accuracy in percent by test set, as ``'SET'``, or ``'TASK SET'`` of
        several tasks; of vectors the mean distance in their unit, as ``'TASK SET error'``.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
        ValueError: If the config has no ``read_out``, or a test set has other classes.
        FileNotFoundError: If a set that is not optional is missing.
    """
    if 'read_out' not in cfg:
        raise ValueError(f'{cfg.filename} has no read_out: which images to fit and to test')
    cfg = deepcopy(cfg)  # Config.copy() would share what is nested
    reroot(cfg)
    tasks = {'': cfg.read_out} if 'bank' in cfg.read_out else cfg.read_out
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        loaders = {name: _build_loaders(name, settings) for name, settings in tasks.items()}
    model = load_trained(cfg, checkpoint)
    scores = {}
    for name, settings in tasks.items():
        for task, found in _read_out_task(model, *loaders[name], settings).items():
            scores |= {' '.join(filter(None, (name, task, *words))): score
                       for words, score in found.items()}
    return scores


def _read_out_task(model: nn.Module, bank: DataLoader, queries: dict[str, DataLoader],
                   settings: ConfigDict) -> dict[str, dict[tuple[str, ...], float]]:
    """Scores by label and, below it, by the words that name them."""
    labels = settings.get('labels', {'': 'gt_label'})
    keys = tuple(labels.values())
    fitted = extract_features(model, bank, keys)
    tests = {name: extract_features(model, loader, keys) for name, loader in queries.items()}
    found = {}
    for place, task in enumerate(labels, 1):
        pairs = {name: (parts[0], parts[place]) for name, parts in tests.items()}
        found[task] = _score(fitted[0], fitted[place], pairs, settings)
    return found


def _score(features: Tensor, labels: Tensor, tests: dict[str, tuple[Tensor, Tensor]],
           settings: ConfigDict) -> dict[tuple[str, ...], float]:
    if labels.is_floating_point():
        distances = linear_regression_read_out(features, labels, tests)
        return {(name, ERROR): distance for name, distance in distances.items()}
    accuracies = linear_read_out(features, labels, tests, settings.get('inverse_penalty', 1.0))
    return {(name, ): accuracy for name, accuracy in accuracies.items()}


def _build_loaders(task: str, settings: ConfigDict) -> tuple[DataLoader, dict[str, DataLoader]]:
    where = f'read_out.{task}.queries' if task else 'read_out.queries'
    bank = Runner.build_dataloader(settings.bank)
    classes = bank.dataset.metainfo['classes']
    queries = {}
    for name, loader in settings.queries.items():
        try:
            queries[name] = Runner.build_dataloader(loader)
        except FileNotFoundError:
            if name not in settings.get('optional', ()):
                raise
            continue
        found = queries[name].dataset.metainfo['classes']
        if found != classes:
            raise ValueError(f'{where}.{name} has the classes {found}, the bank has '
                             f'{classes}: both need the same')
    return bank, queries

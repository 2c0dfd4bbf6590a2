"""Read-outs of frozen features, by what a config says: linear and nearest neighbours."""

from copy import deepcopy
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infomin_plugin.evaluation.knn import knn_accuracy
from infomin_plugin.evaluation.linear import linear_read_out, linear_regression_read_out
from infomin_plugin.registry import SCOPE

from ..settings.reroot import reroot
from .read_out_settings import METHODS, check_bank_length, check_read_out, key_of, tasks_of
from .trained import extract_features, load_trained, start_trunk

# ends the name of a score that is a distance, the smaller the better
ERROR = 'error'


def read_out(cfg: Config, checkpoint: str | Path) -> dict[str, float]:
    """Measure the features of a trained model.

    Reads ``cfg.read_out``: ``bank``, the data loader of the labelled images to fit; ``queries``,
    data loaders of test images by name; ``optional``, names among them that are left out where
    the set has no such folder or file; ``inverse_penalty``, see :func:`linear_read_out`;
    ``labels``, the keys of a batch that are read out, each a task, by name, if it is not
    ``gt_label`` alone. Labels that are vectors of real numbers are read out by
    :func:`linear_regression_read_out`. Features are those of the model's ``tensor`` mode, in
    evaluation mode. ``methods`` chooses among ``'linear'``, alone the default, and ``'knn'``
    (:func:`knn_predict`, with the arguments ``knn``); where it is there, scores say which.

    Several tasks with images of their own: ``cfg.read_out`` has such a dict for each, by name.

    Args:
        cfg (Config): With ``model`` and ``read_out``. Not changed.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        dict[str, float]: Accuracy in percent by test set, as ``'SET'``, or ``'TASK SET'`` of
        several tasks, with ``methods`` as ``'METHOD SET'``; of vectors the mean distance in their
        unit, as ``'TASK SET error'``. Of several processes, the main one has them.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
        ValueError: If the config has no ``read_out``, or a setting of it cannot be (see
            :func:`.check_read_out`) or a test set has other classes: before the model is built.
        FileNotFoundError: If a set that is not optional is missing.
    """
    cfg = _resolved(cfg)
    return _measure(cfg, _loaders(cfg), load_trained(cfg, checkpoint))


def read_out_trunk(cfg: Config) -> tuple[dict[str, float], dict]:
    """Measure the features of a trunk from anywhere.

    Args:
        cfg (Config): As for :func:`read_out`; its model starts from ``pretrained``, or from chance
            by ``randomness.seed``, see :func:`.start_trunk`.

    Returns:
        tuple[dict[str, float], dict]: Scores as of :func:`read_out`, and where the weights are
        from, ``initialisation`` of :func:`.place_pretrained`.

    Raises:
        CheckpointError: If the file is not a whole trunk of the model's depth and width.
        ValueError, FileNotFoundError: As :func:`read_out`.
    """
    cfg = _resolved(cfg)
    loaders = _loaders(cfg)
    model = start_trunk(cfg)
    return _measure(cfg, loaders, model), dict(cfg.get('initialisation', {}))


def _resolved(cfg: Config) -> Config:
    check_read_out(cfg)
    cfg = deepcopy(cfg)  # Config.copy() would share what is nested
    reroot(cfg)
    return cfg


def _loaders(cfg: Config) -> dict[str, tuple[DataLoader, dict[str, DataLoader]]]:
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        return {name: _build_loaders(name, settings) for name, settings in tasks_of(cfg).items()}


def _measure(cfg: Config, loaders: dict, model: nn.Module) -> dict[str, float]:
    scores = {}
    for name, settings in tasks_of(cfg).items():
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
    if not is_main_process():
        return {}
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
    scores = {}
    for method in settings.get('methods', METHODS[:1]):
        if method == 'linear':
            found = linear_read_out(features, labels, tests, settings.get('inverse_penalty', 1.0))
        else:
            found = {name: knn_accuracy(*pair, features, labels, **settings.get('knn', {}),
                                        device=get_device())
                     for name, pair in tests.items()}
        words = (method, ) if 'methods' in settings else ()
        scores |= {(*words, name): accuracy for name, accuracy in found.items()}
    return scores


def _build_loaders(task: str, settings: ConfigDict) -> tuple[DataLoader, dict[str, DataLoader]]:
    where = key_of(task, 'queries')
    bank = Runner.build_dataloader(settings.bank)
    check_bank_length(task, settings, len(bank.dataset))
    classes = bank.dataset.metainfo.get('classes')
    if classes is None:
        raise ValueError(f'{key_of(task, "bank")} has no classes: an ImageFolder needs '
                         'with_labels=True')
    queries = {}
    for name, loader in settings.queries.items():
        try:
            queries[name] = Runner.build_dataloader(loader)
        except FileNotFoundError:
            if name not in settings.get('optional', ()):
                raise
            continue
        found = queries[name].dataset.metainfo.get('classes')
        if found != classes:
            raise ValueError(f'{where}.{name} has the classes {found}, the bank has '
                             f'{classes}: both need the same')
    return bank, queries

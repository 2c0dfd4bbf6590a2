"""Linear read-out of a trained model, by what its config says."""

from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from infomin_plugin.checkpoints import CheckpointError, read_file
from infomin_plugin.evaluation.linear import linear_read_out
from infomin_plugin.registry import MODELS, SCOPE

from .hooks.knn import extract_features
from .reroot import reroot


def read_out(cfg: Config, checkpoint: str | Path) -> dict[str, float]:
    """Measure the features of a trained model with a linear classifier.

    Reads ``cfg.read_out``: ``bank``, the data loader of the labelled images to fit; ``queries``,
    data loaders of test images by name; ``optional``, names among them that are left out where
    the set has no such folder or file; ``inverse_penalty``, see :func:`linear_read_out`. Features
    are those of the model's ``tensor`` mode, in evaluation mode.

    Args:
        cfg (Config): With ``model`` and ``read_out``. Not changed.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        dict[str, float]: Accuracy in percent by test set.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
        ValueError: If the config has no ``read_out``, or a test set has other classes.
        FileNotFoundError: If a set that is not optional is missing.
    """
    if 'read_out' not in cfg:
        raise ValueError(f'{cfg.filename} has no read_out: which images to fit and to test')
    cfg = cfg.copy()
    reroot(cfg)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        bank, queries = _build_loaders(cfg.read_out)
        model = MODELS.build(cfg.model)
    try:
        model.load_state_dict(read_file(checkpoint)['state_dict'])
    except (RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(f'{checkpoint} is of another model than {cfg.filename}: '
                              f'{error}') from error
    model.to(get_device())
    return linear_read_out(
        *extract_features(model, bank),
        {name: extract_features(model, loader) for name, loader in queries.items()},
        cfg.read_out.get('inverse_penalty', 1.0))


def _build_loaders(settings: ConfigDict) -> tuple[DataLoader, dict[str, DataLoader]]:
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
            raise ValueError(f'read_out.queries.{name} has the classes {found}, the bank has '
                             f'{classes}: both need the same')
    return bank, queries

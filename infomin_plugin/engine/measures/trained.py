"""What a trained model makes of a data set."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import collect_results, is_main_process
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infomin_plugin.checkpoints import CheckpointError, read_training
from infomin_plugin.registry import MODELS, SCOPE

from ..settings.pretrained import place_pretrained, verify_pretrained


def load_trained(cfg: Config, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config with the weights of a run, on the device.

    Args:
        cfg (Config): With ``model``.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        nn.Module: In evaluation mode.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
    """
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        model = MODELS.build(cfg.model)
    try:
        model.load_state_dict(read_training(checkpoint)['state_dict'])
    except RuntimeError as error:
        raise CheckpointError(f'{checkpoint} is of another model than {cfg.filename}: '
                              f'{error}') from error
    return model.to(get_device()).eval()


def start_trunk(cfg: Config) -> nn.Module:
    """Build the model of a config as its training would start, on the device.

    Args:
        cfg (Config): With ``model``, whose trunk comes from ``pretrained``, see
            :func:`.place_pretrained`, or from chance, and ``randomness.seed``. Gets
            ``initialisation``.

    Returns:
        nn.Module: In evaluation mode.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        CheckpointError: If it is not a whole trunk of the model's depth and width.
    """
    set_random_seed(cfg.get('randomness', {}).get('seed', 0))
    with TemporaryDirectory() as folder:  # of the trunk's shares, which the initialisation reads
        cfg.work_dir = folder
        trunk = place_pretrained(cfg)
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
            model = MODELS.build(cfg.model)
            model.init_weights()
    if trunk is not None:
        verify_pretrained(model, trunk, values=True)
    return model.to(get_device()).eval()


@torch.no_grad()
def extract_features(model: nn.Module, loader: DataLoader,
                     labels: Sequence[str] = ('gt_label', )) -> tuple[Tensor, ...]:
    """Features of a labelled set, in its order, gathered on the main process.

    Args:
        model (nn.Module): Has ``data_preprocessor`` and a ``'tensor'`` mode that gives features.
        loader (DataLoader): Batches with ``inputs`` and the labels.
        labels (Sequence[str]): Keys of the batch. Defaults to ``('gt_label',)``.

    Returns:
        tuple[Tensor, ...]: M×F features and the labels, M values each (M×D, if they are vectors),
        on the CPU; empty on the other processes.
    """
    was_training = model.training
    model.eval()
    results = []
    for batch in loader:
        features = model(**model.data_preprocessor(batch), mode='tensor').cpu()
        results.extend(zip(features, *(batch[key] for key in labels), strict=True))
    model.train(was_training)
    return _gathered(results, loader, 1 + len(labels))


@torch.no_grad()
def extract_pairs(model: nn.Module, loader: DataLoader) -> tuple[tuple[Tensor, Tensor], ...]:
    """Queries and own keys of a set, in its order, gathered on the main process.

    Args:
        model (nn.Module): Has ``data_preprocessor`` and a ``'pairs'`` mode.
        loader (DataLoader): Batches with ``inputs``.

    Returns:
        tuple: For each direction M×C queries and M×C keys, on the CPU; empty on the other
        processes.
    """
    was_training = model.training
    model.eval()
    results, directions = [], 0
    for batch in loader:
        pairs = model(**model.data_preprocessor(batch), mode='pairs')
        directions = len(pairs)
        results.extend(zip(*(part.cpu() for pair in pairs for part in pair), strict=True))
    model.train(was_training)
    parts = _gathered(results, loader, 2 * directions)
    return tuple((parts[2 * i], parts[2 * i + 1]) for i in range(directions))


def _gathered(results: list[tuple], loader: DataLoader, parts: int) -> tuple[Tensor, ...]:
    results = collect_results(results, len(loader.dataset), device='cpu')
    if not is_main_process():
        return tuple(torch.empty(0) for _ in range(parts))
    return tuple(map(torch.stack, zip(*results, strict=True)))

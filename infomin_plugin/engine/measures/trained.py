"""What a trained model makes of a data set."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infomin_plugin.checkpoints import CheckpointError, read_training
from infomin_plugin.registry import MODELS, SCOPE

from ..settings.named_settings import named_settings
from ..settings.pretrained import place_pretrained, verify_pretrained
from .interleaved import gather_interleaved


def load_trained(cfg: Config, checkpoint: str | Path) -> nn.Module:
    """Build the model of a config with the weights of a run, on the device.

    Args:
        cfg (Config): With ``model``.
        checkpoint (str | Path): Of a run of this config.

    Returns:
        nn.Module: In evaluation mode.

    Raises:
        CheckpointError: If the checkpoint is unreadable or is not of this model.
        SetupError: If the model cannot be built by its settings.
    """
    with (named_settings(cfg),
          DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE)):
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
        SetupError: If the model cannot be built by its settings.
    """
    set_random_seed(cfg.get('randomness', {}).get('seed', 0))
    with TemporaryDirectory() as folder:  # of the trunk's shares, which the initialisation reads
        cfg.work_dir = folder
        trunk = place_pretrained(cfg)
        with (named_settings(cfg),
              DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE)):
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

    Raises:
        ValueError: If a batch lacks a label, or see :func:`gather_interleaved`.
    """
    def rows(batch: dict) -> tuple[Tensor, ...]:
        if missing := [key for key in labels if key not in batch]:
            raise ValueError(f'batches have no {", ".join(missing)}: meta_keys of PackViews choose '
                             'what is kept')
        features = model(**model.data_preprocessor(batch), mode='tensor')
        return features, *(batch[key] for key in labels)

    return tuple(_extract(model, loader, rows))


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
    def rows(batch: dict) -> tuple[Tensor, ...]:
        pairs = model(**model.data_preprocessor(batch), mode='pairs')
        return tuple(part for pair in pairs for part in pair)

    found = _extract(model, loader, rows)
    return tuple(zip(found[::2], found[1::2], strict=True))


def _extract(model: nn.Module, loader: DataLoader,
             rows: Callable[[dict], tuple[Tensor, ...]]) -> list[Tensor]:
    """What ``rows`` gives of each batch, one row an image, in evaluation mode."""
    was_training = model.training
    model.eval()
    columns, count = [], 0
    for batch in loader:
        parts = rows(batch)
        if not columns:
            columns = [part.new_empty((len(loader.sampler), *part.shape[1:]), device='cpu')
                       for part in parts]
        end = count + len(parts[0])
        for column, part in zip(columns, parts, strict=True):
            column[count:end] = part
        count = end
    model.train(was_training)
    return gather_interleaved([column[:count] for column in columns], len(loader.dataset))

"""Computes a frozen trunk's features of a labelled set, once."""

import hashlib
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from rich.progress import track
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.datasets.cached_features import read_description, write_features
from infomin_plugin.registry import SCOPE

from ..settings.class_folders import fill_num_classes
from ..settings.reroot import reroot
from .trained import start_trunk

SPLITS = ('train', 'val')


def cache_features(cfg: Config, out: Path) -> dict[str, bool]:
    """Write the features of a linear read-out's images as its test pipeline shows them.

    Training images are seen without augmentation. A split that is there already, of the same
    trunk, images and pipeline, is kept.

    Args:
        cfg (Config): Of a linear read-out, with ``pretrained``. Not changed.
        out (Path): Folder to write ``train/`` and ``val/`` to, see :class:`CachedFeatures`.

    Returns:
        dict[str, bool]: By split, whether it was written; False if it was kept.

    Raises:
        FileNotFoundError: If the checkpoint, or a folder of images, is missing.
        FileExistsError: If a split is there and was made of something else.
        CheckpointError: If the checkpoint is not a whole trunk of the model's size.
        ValueError: If the config is no linear read-out, or validation has other classes.
        ImageError: If an image cannot be read.
    """
    cfg = deepcopy(cfg)  # Config.copy() would share what is nested
    if not all(cfg.get(f'{split}_dataloader') for split in SPLITS) or 'head' not in cfg.model:
        raise ValueError(f'{cfg.filename} is no linear read-out: it needs train_dataloader, '
                         'val_dataloader and a model with a head')
    reroot(cfg)
    fill_num_classes(cfg)
    model = start_trunk(cfg)
    if any(parameter.requires_grad for parameter in model.backbone.parameters()):
        raise ValueError(f'the trunk of {cfg.filename} learns: features of it cannot be kept. Take '
                         'a config of configs/linear/, whose trunk is frozen')
    trunk = fingerprint(model.backbone)
    loaders = {split: _build_loader(cfg, split) for split in SPLITS}
    written = {}
    for split, loader in loaders.items():
        description = dict(
            images=len(loader.dataset),
            classes=loader.dataset.metainfo['classes'],
            data_root=os.path.abspath(loader.dataset.data_prefix['img_path']),
            pipeline=cfg.val_dataloader.dataset.pipeline,
            initialisation=cfg.get('initialisation'),
            trunk=trunk)
        written[split] = not _is_kept(out / split, description)
        if written[split]:
            write_features(out / split, _features(model, loader, split), description)
    return written


def fingerprint(trunk: nn.Module) -> str:
    """Tell trunks apart by all their tensors.

    Args:
        trunk (nn.Module): On any device.

    Returns:
        str: SHA-256 of names, types, shapes and values, hexadecimal.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(trunk.state_dict().items()):
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _build_loader(cfg: Config, split: str) -> DataLoader:
    seen = cfg.val_dataloader
    dataset = ConfigDict(cfg[f'{split}_dataloader'].dataset, pipeline=seen.dataset.pipeline,
                         test_mode=True)  # each image counts: none may stand in for another
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or SCOPE):
        return Runner.build_dataloader(ConfigDict(seen, dataset=dataset))


def _is_kept(folder: Path, description: dict) -> bool:
    if not folder.exists():
        return False
    found = read_description(folder)
    wanted = json.loads(json.dumps(description)) | dict(classes=description['classes'])
    changed = [key for key in wanted if found.get(key) != wanted[key]]
    if changed:
        raise FileExistsError(f'{folder} was made of other {", ".join(changed)}: remove it, or '
                              'write to another folder')
    return True


@torch.no_grad()
def _features(model: nn.Module, loader: DataLoader,
              split: str) -> Iterator[tuple[np.ndarray, np.ndarray, list[str]]]:
    root = loader.dataset.data_prefix['img_path']
    for batch in track(loader, description=split):
        images = model.data_preprocessor(batch)['inputs']
        features = model.extract_feat(images)[-1].float().cpu().numpy()
        yield (features, batch['gt_label'].numpy(),
               [os.path.relpath(path, root) for path in batch['img_path']])

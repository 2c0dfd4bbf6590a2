"""Configs shrunk to a step on a CPU, by what they say and whatever their names are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config_runs import unformatted
from mmengine.config import Config, ConfigDict

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
WIDTH = 8  # networks become so many times as narrow; their depth stays
VIEW, JIGSAW, CELL = 224, 255, 85  # sizes that are shrunk
SCENE = (96, 72)
PROPOSALS = 8


def write_tiny(config: Path | str, folder: Path, patch: int = 16) -> Path:
    """Write a config to ``folder``, shrunk, with its bases in it: quicker to read than they are.

    Jigsaw patches become ``patch`` pixels wide, a multiple of 4; views have 32.
    """
    cfg = unformatted(Config.fromfile(config))
    cfg.merge_from_dict(_loop(cfg) | _loaders(cfg) | _images(cfg, patch) | _measures(cfg)
                        | _model(cfg))
    path = Path(folder) / Path(config).name
    path.parent.mkdir(parents=True, exist_ok=True)
    cfg.dump(path)
    return path


def _loop(cfg: Config) -> dict[str, Any]:
    settings = {}
    if 'train_cfg' in cfg:
        by_epoch = cfg.train_cfg.type != 'IterBasedTrainLoop'
        settings = {f'train_cfg.max_{"epochs" if by_epoch else "iters"}': 1,
                    'default_hooks.logger.interval': 1}
    if cfg.get('val_dataloader'):
        settings['train_cfg.val_interval'] = 1
    return settings


def _loaders(cfg: Config) -> dict[str, Any]:
    detection = cfg.get('default_scope') == 'mmdet'
    settings = {}
    for path, part in _dicts({key: cfg[key] for key in (*LOADERS, 'read_out') if cfg.get(key)}):
        if 'num_workers' in part:
            settings |= {f'{path}.num_workers': 0, f'{path}.persistent_workers': False}
    if 'train_dataloader' in cfg:
        settings['train_dataloader.batch_size'] = 2 if detection else 4
    if detection:
        settings['val_dataloader.dataset.indices'] = settings['test_dataloader.dataset.indices'] = 1
        if cfg.train_cfg.type == 'EpochBasedTrainLoop':
            settings['train_dataloader.dataset.indices'] = 2
    return settings


def _images(cfg: Config, patch: int) -> dict[str, Any]:
    """Small views, jigsaw images and patches; small scenes."""
    settings = {}
    cell = patch * 5 // 4
    sizes = {VIEW: 32, JIGSAW: 3 * cell}
    for path, part in _dicts({key: cfg[key] for key in (*LOADERS, 'read_out') if cfg.get(key)}):
        if isinstance(part.get('size'), int) and part['size'] in sizes:
            settings[f'{path}.size'] = sizes[part['size']]
        if part.get('cell') == CELL:
            settings |= {f'{path}.cell': cell, f'{path}.patch': patch}
        if part.get('type') == 'Resize':
            settings[f'{path}.scale'] = SCENE
        if part.get('type') == 'RandomChoiceResize':
            settings[f'{path}.scales'] = [SCENE]
    return settings


def _measures(cfg: Config) -> dict[str, Any]:
    few = dict(PreciseBNHook=dict(num_iters=1), KNNHook=dict(k=5))
    settings = {f'custom_hooks.{index}.{key}': value
                for index, hook in enumerate(cfg.get('custom_hooks') or [])
                for key, value in few.get(_name(hook), {}).items()}
    if 'read_out' in cfg:
        settings |= {'read_out.knn.k': 5, 'read_out.inverse_penalty': 0.01}
    return settings


def _model(cfg: Config) -> dict[str, Any]:
    settings = {}
    for path, part in _dicts(dict(model=cfg.model)):
        if _name(part) == 'KeyQueue':
            settings[f'{path}.length'] = 64
        if _name(part) == 'KeyBank':
            settings |= {f'{path}.length': None, f'{path}.num_negatives': 64}
        if _name(part) == 'FlowGenerator' and part.get('init_cfg'):
            settings[f'{path}.init_cfg'] = None  # a run that is not there
        if 'rpn_proposal' in part:
            settings[f'{path}.rpn_proposal.max_per_img'] = PROPOSALS
        if path == 'model.test_cfg' and 'rcnn' in part:
            # untrained scores are low
            settings |= {f'{path}.rpn.max_per_img': PROPOSALS, f'{path}.rcnn.score_thr': 0.0}
    return settings | _widths(cfg)


def _widths(cfg: Config) -> dict[str, Any]:
    """Divide the channels of all parts; mmdet's res5 on the regions has one width only."""
    parts = dict(_dicts(dict(model=cfg.model)))
    trunks = {path: part for path, part in parts.items() if 'depth' in part}
    if any(part.get('base_channels', 64) < 32
           or (path.endswith('shared_head') and 'base_channels' not in part)
           for path, part in trunks.items()):
        return {}
    settings = {}
    for path, part in parts.items():
        for key, value in part.items():
            if key.endswith('channels') and isinstance(value, int) and value >= 64:
                settings[f'{path}.{key}'] = value // WIDTH
            elif key.endswith('channels') and isinstance(value, list | tuple):
                settings[f'{path}.{key}'] = [each // WIDTH for each in value]
    for path, part in trunks.items():
        width = part.get('base_channels', 64) // WIDTH
        settings[f'{path}.base_channels'] = width
        if width < 8 and cfg.model.get('data_preprocessor', {}).get('channels_last'):
            # torch 2.0.1 corrupts its heap on CPUs without AVX-512
            settings['model.data_preprocessor.channels_last'] = False
        if not path.endswith('shared_head'):
            settings[f'{path}.stem_channels'] = width
        # of a group of ResNeXt
        settings |= {f'{path}.{key}': 1 for key in ('base_width', 'width_per_group') if key in part}
    return settings


def _name(part: dict) -> str:
    return part.get('type', '').split('.')[-1]


def _dicts(parts: Any, path: str = '') -> Iterator[tuple[str, ConfigDict]]:
    """Every dict below ``parts`` with its dotted key; lists are counted."""
    if isinstance(parts, dict):
        if path:
            yield path, parts
        parts = parts.items()
    elif isinstance(parts, list | tuple):
        parts = enumerate(parts)
    else:
        return
    for key, value in parts:
        yield from _dicts(value, f'{path}.{key}' if path else key)

"""Looks for the data sets of a config, before hours are spent or a library stumbles over one."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from infomin_plugin.datasets.prepare import SOURCES

from ..faults.setup_error import MissingDataError
from .config_files import read_config

# what a training reads, and a test
TRAIN = ('train_dataloader', 'val_dataloader', 'custom_hooks')
TEST = ('test_dataloader', )
# first folder of a set below the root of tools/data/prepare.py -> its name there
_PREPARED = {Path(check.folder).parts[0]: name for name, source in SOURCES.items()
             for archive in source.archives for check in archive.checks}


def check_data(cfg: Config, sections: Sequence[str]) -> None:
    """Refuse data sets whose folders or annotation files are missing, or whose folder is empty.

    Looked for are ``data_root``, ``ann_file``, the folders of ``data_prefix`` and, in PASCAL VOC
    form, of images and annotations, in wrappers too. What is not on this machine's file systems
    is left alone.

    Args:
        cfg (Config): Resolved.
        sections (Sequence[str]): Keys whose data sets are needed, such as :data:`TRAIN`.

    Raises:
        MissingDataError: Names the path, the key that sets it, and where it is one of
            ``tools/data/prepare.py`` what gets it.
    """
    for section in sections:
        for where, dataset in _data_sets(cfg.get(section), section):
            for path, is_there in _needed(dataset):
                if not is_there(path):
                    raise MissingDataError(_message(cfg, where, dataset, path))


def _data_sets(part: Any, path: str) -> Iterator[tuple[str, ConfigDict]]:
    """All below a part of a config with their dotted keys; of wrappers those within."""
    if isinstance(part, dict):
        if part.get('data_root') and 'type' in part:
            yield path, part
        items = part.items()
    else:
        items = enumerate(part) if isinstance(part, list | tuple) else ()
    for key, value in items:
        yield from _data_sets(value, f'{path}.{key}')


def _needed(dataset: ConfigDict) -> Iterator[tuple[str, Any]]:
    """Paths, and what tells whether one is there."""
    root, file = dataset.data_root, dataset.get('ann_file')
    if '://' in root or (dataset.get('backend_args') or {}).get('backend', 'local') != 'local':
        return
    yield root, os.path.isdir
    yield root, os.listdir
    # LabelledShare, which looks for its list itself, does not take it to lie below data_root
    if isinstance(file, str) and file and not str(dataset.type).endswith('LabelledShare'):
        yield os.path.join(root, file), os.path.isfile
    for key, prefix in (dataset.get('data_prefix') or {}).items():
        if not isinstance(prefix, str):
            continue
        folder = os.path.join(root, prefix)
        yield folder, os.path.isdir
        if key == 'sub_data_root':
            yield os.path.join(folder, dataset.get('ann_subdir', 'Annotations')), os.path.isdir
            yield os.path.join(folder, dataset.get('img_subdir', 'JPEGImages')), os.path.isdir


def _message(cfg: Config, where: str, dataset: ConfigDict, path: str) -> str:
    problem = f'{path} is empty' if os.path.isdir(path) else f'there is no {path}'
    shared = cfg.get('data_root')
    key = 'data_root' if shared and _lies_in(dataset.data_root, shared) else f'{where}.data_root'
    if not _lies_in(path, dataset.data_root):
        key = where
    name = _prepared(cfg, path)
    return (f'{where}: {problem}: set it by --cfg-options {key}=DIR'
            + (f', or get the set by tools/data/prepare.py {name}' if name else ''))


def _lies_in(path: str, folder: str) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))


def _prepared(cfg: Config, path: str) -> str | None:
    """Name a set of ``tools/data/prepare.py`` by the config's own data root, else by the path."""
    own = (read_config(cfg.filename).get('data_root') or '') if cfg.filename else ''
    for part in (*Path(own).parts, *Path(path).parts):
        if part in _PREPARED:
            return _PREPARED[part]
    return None

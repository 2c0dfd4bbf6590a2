"""Fills the length of a memory bank, which has a key for each training image."""

from mmengine.config import Config, ConfigDict

from infomin_plugin.registry import DATASETS, SCOPE

from .data_sets import check_data


def fill_bank_length(cfg: Config) -> None:
    """Count the training images, where a config leaves the length of its bank to them.

    Does nothing unless ``model.memory.length`` is there and None. For millions of files it costs a
    second look at their folders: a config for a known set writes the number down.

    Args:
        cfg (Config): Changed in place.

    Raises:
        FileNotFoundError: If the training set is missing.
    """
    memory = (cfg.get('model') or {}).get('memory') or {}
    if 'length' not in memory or memory.length is not None:
        return
    check_data(cfg, ['train_dataloader'])
    memory.length = len(DATASETS.build(ConfigDict(
        cfg.train_dataloader.dataset, _scope_=cfg.get('default_scope') or SCOPE, pipeline=[])))

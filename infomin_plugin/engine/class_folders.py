"""Fills the number of classes of a config that learns from class folders."""

from mmengine.config import Config, ConfigDict

from infomin_plugin.registry import DATASETS, SCOPE


def fill_num_classes(cfg: Config) -> None:
    """Count the class folders of the labelled training images, where a config leaves it to them.

    Does nothing unless ``model.classifiers.num_classes`` is there and None.

    Args:
        cfg (Config): Changed in place.

    Raises:
        ValueError: If the training data have no labelled folder.
        FileNotFoundError: If the folder is missing.
    """
    classifiers = (cfg.get('model') or {}).get('classifiers') or {}
    if 'num_classes' not in classifiers or classifiers.num_classes is not None:
        return
    dataset = cfg.train_dataloader.dataset
    labelled = [each for each in dataset.get('datasets', [dataset]) if each.get('with_labels')]
    if not labelled:
        raise ValueError('model.classifiers.num_classes is None, but train_dataloader has no '
                         'data set with_labels whose class folders could be counted')
    built = DATASETS.build(ConfigDict(labelled[0], _scope_=cfg.get('default_scope') or SCOPE,
                                      pipeline=[]))
    classifiers.num_classes = len(built.metainfo['classes'])

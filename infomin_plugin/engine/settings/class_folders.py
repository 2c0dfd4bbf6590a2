"""Fills the classes of a config that learns from class folders."""

from mmengine.config import Config, ConfigDict

from infomin_plugin.registry import DATASETS, SCOPE

from .data_sets import check_data

CLASSIFIERS = ('classifiers', 'head')  # of view learning, of mmcls's classifiers
ALWAYS_LABELLED = ('CachedFeatures', 'LabelledShare')


def fill_num_classes(cfg: Config) -> None:
    """Count the classes of the labelled training images, where a config leaves it to them.

    Does nothing unless ``num_classes`` of ``model.classifiers`` or ``model.head`` is there and
    None. The labelled images of validation and test are then read with the training's classes, so
    that a class has the same index everywhere and foreign ones are refused, and accuracies among
    more than all classes (``topk``) are left out.

    Args:
        cfg (Config): Changed in place.

    Raises:
        ValueError: If the training data have no labelled folder.
        FileNotFoundError: If the folder is missing.
    """
    model = cfg.get('model') or {}
    names = [name for name in CLASSIFIERS if (model.get(name) or {}).get('num_classes', 0) is None]
    if not names:
        return
    dataset = cfg.train_dataloader.dataset
    labelled = [each for each in dataset.get('datasets', [dataset]) if _is_labelled(each)]
    if not labelled:
        raise ValueError(f'model.{names[0]}.num_classes is None, but train_dataloader has no '
                         'data set with_labels whose class folders could be counted')
    check_data(cfg, ['train_dataloader'])
    settings = {'pipeline': []} if 'pipeline' in labelled[0] else {}
    built = DATASETS.build(ConfigDict(labelled[0], _scope_=cfg.get('default_scope') or SCOPE,
                                      **settings))
    classes = list(built.metainfo['classes'])
    for name in names:
        model[name].num_classes = len(classes)
    for split in ('val', 'test'):
        dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset') or {}
        if _is_labelled(dataset):
            dataset.metainfo = ConfigDict(dataset.get('metainfo') or {}, classes=classes)
        evaluator = cfg.get(f'{split}_evaluator') or {}
        if isinstance(evaluator, dict) and isinstance(evaluator.get('topk'), list | tuple):
            evaluator.topk = tuple(k for k in evaluator.topk if k <= len(classes))


def _is_labelled(dataset: ConfigDict) -> bool:
    return bool(dataset.get('with_labels')) or dataset.get('type') in ALWAYS_LABELLED

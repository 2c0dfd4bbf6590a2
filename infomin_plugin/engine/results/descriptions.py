"""What a config measures: task, data, schedule, encoder, and which settings must agree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mmengine.config import ConfigDict

from ..settings.supervised import architecture_of

# by task: what its metric logs -> column, and the factor that makes it percent
TASKS = {
    'VOC': {f'pascal_voc/{key}': (column, 100)
            for key, column in (('mAP', 'AP'), ('AP50', 'AP50'), ('AP75', 'AP75'))},
    'COCO': {f'coco/{key}': (column, 100)
             for key, column in (('bbox_mAP', 'box AP'), ('segm_mAP', 'mask AP'))},
    'linear': {f'accuracy/{key}': (column, 1)
               for key, column in (('top1', 'Top 1 Accuracy'), ('top5', 'Top 5 Accuracy'))},
}
FINE_TUNING = 'fine-tuning'  # a classifier whose trunk learns too
VOC_AP_THRESHOLDS = 10  # IoU 0.50 … 0.95; fewer are another figure
COCO_1X = 90_000  # iterations
FULL_WIDTH = {64: '', 32: 'half-width ', 16: 'quarter-width '}

# What may differ between two runs of one cell: machine, speed, place, and what else says which
# weights a run starts from
INDIFFERENT = {
    '_scope_', 'backend_args', 'checkpoint', 'data_root', 'dynamic_intervals', 'experiment_name',
    'file_client_args', 'init_cfg', 'num_workers', 'outfile_prefix', 'persistent_workers',
    'pin_memory', 'prefetch_factor', 'val_interval'}
# the encoder's own, which the table's or the row's name says
OF_ENCODER = {
    'base_channels', 'base_width', 'depth', 'generator', 'groups', 'mean', 'out_indices', 'std',
    'stem_channels', 'type', 'view_norm', 'width_per_group', 'zero_init_residual'}
TRAINING_KEYS = ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler',
                 'custom_hooks', 'auto_scale_lr')
BATCH, WHOLE_BATCH = 'train_dataloader.batch_size', 'whole_batch'


@dataclass(frozen=True, order=True)
class Subject:
    """What a table is about.

    Attributes:
        task: ``'VOC'``, ``'COCO'``, ``'linear'``, …
        data: Last folder of the data root.
        split: Of the test images.
        schedule: Length of the training.
        encoder: The network.
    """
    task: str
    data: str
    split: str
    schedule: str = ''
    encoder: str = ''


def subject_of(training: dict[str, Any], tested: dict[str, Any], loader: str) -> Subject | None:
    """Tell what is measured.

    Args:
        training (dict): Config of the training.
        tested (dict): Config of the run that tested; the training's own, or another one.
        loader (str): ``'val'`` or ``'test'``: which of its data sets.

    Returns:
        Subject | None: None of a config that measures none of the tasks.
    """
    model = training.get('model') or {}
    kind = _name(model)
    metrics = [_name(metric) for metric in _listed(tested.get(f'{loader}_evaluator'))]
    if 'VOCMetric' in metrics:
        task = 'VOC'
    elif 'CocoMetric' in metrics:
        task = 'COCO'
    elif kind in ('ImageClassifier', 'CachedClassifier') and 'Accuracy' in metrics:
        task = 'linear' if model['backbone'].get('frozen_stages', -1) >= 4 else FINE_TUNING
    else:
        return None
    dataset = _dataset(tested, loader)
    data, split = _data_and_split(tested, dataset)
    return Subject(task, data, split, _schedule(training, task), encoder_of(model))


def scores_of(subject: Subject, logged: dict[str, Any], tested: dict[str, Any],
              loader: str) -> dict[str, float]:
    """What was measured, in percent by column; what is undefined (negative, NaN) is left out."""
    columns = dict(TASKS['linear' if subject.task == FINE_TUNING else subject.task])
    for metric in _listed(tested.get(f'{loader}_evaluator')):
        if subject.task == 'VOC' and len(_listed(metric.get('iou_thrs'))) < VOC_AP_THRESHOLDS:
            del columns['pascal_voc/mAP']
    found = {column: logged[key] * factor for key, (column, factor) in columns.items()
             if isinstance(logged.get(key), int | float)}
    return {column: value for column, value in found.items() if value >= 0}


def encoder_of(model: dict[str, Any]) -> str:
    """Name the network: ``'ResNet-50-FPN'``, ``'quarter-width ResNet-18-C4'`` …

    Two trunks side by side are named by their width together: they are rows of the same table.
    """
    views, backbone = 1, model.get('backbone')
    if backbone is None:
        views, backbone = 2, _dig(model, 'encoders', 'encoder1', 'backbone')
    if not backbone or 'type' not in backbone:
        return ''
    if _name(backbone).startswith('TwoView'):
        views = 2
    network = architecture_of(ConfigDict(backbone))
    if network is None:
        return _name(backbone)
    channels = network.base_channels * views
    name = f'ResNet-{network.depth}' if network.groups == 1 else (
        f'ResNeXt-{network.depth} {network.groups}x{network.width // network.groups}d')
    name = FULL_WIDTH.get(channels, f'{channels}-channel ') + name
    cascade = ' Cascade' if _name(model).startswith('Cascade') else ''
    if _dig(model, 'roi_head', 'shared_head'):
        return f'{name}{cascade}-C4'
    return f'{name}{cascade}-FPN' if _name(model.get('neck') or {}) == 'FPN' else name


def settings_of(training: dict[str, Any], tested: dict[str, Any], loader: str,
                whole_batch: int | None = None) -> dict[str, Any]:
    """The settings on which two runs must agree to stand in one table, by dotted key.

    Left out are those that say where the weights come from, which network it is, and on what
    machine and from which folder it ran. However many processes share the work, the same whole
    batch is the same setting; where it is not known, that of a process stands for it.
    """
    model = dict(training.get('model') or {})
    model.pop('test_cfg', None)
    model['backbone'] = _without_encoder(model.get('backbone'))
    if head := _dig(model, 'roi_head', 'shared_head'):
        model['roi_head'] = model['roi_head'] | dict(shared_head=_without_encoder(head))
    parts = {key: training.get(key) for key in TRAINING_KEYS} | dict(model=model)
    settings = dict(_flat(parts, _roots(training)))
    batch = settings.pop(BATCH, None)
    if whole_batch or batch:
        settings[WHOLE_BATCH] = whole_batch or batch
    test = dict(test_dataset=_dataset(tested, loader),
                test_evaluator=tested.get(f'{loader}_evaluator'),
                model=dict(test_cfg=(tested.get('model') or {}).get('test_cfg')))
    return settings | dict(_flat(test, _roots(tested)))


def read_out_settings_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings on which two read-outs must agree to share a cell, by dotted key.

    Left out are ``methods`` and ``optional``, which say what is measured and not how, and what
    :func:`settings_of` leaves out. Those of a test set begin with ``read_out.queries.NAME.``.

    Args:
        config (dict): See :func:`.measures.read_out.read_out`.

    Returns:
        dict[str, Any]: None of a config without ``read_out`` but the model's.
    """
    model = dict(config['model'])
    model['backbone'] = _without_encoder(model.get('backbone'))
    parts = dict(read_out=_how(config.get('read_out') or {}), model=model)
    return dict(_flat(parts, _roots(config)))


def num_classes_of(model: dict[str, Any]) -> int | None:
    """How many classes the model tells apart."""
    head = model.get('head') or _dig(model, 'roi_head', 'bbox_head')
    return next((part['num_classes'] for part in _listed(head) if 'num_classes' in part), None)


def last_folder(path: str) -> str:
    """The last folder of a path, which may be named; those before it belong to a machine."""
    return PurePosixPath(str(path).replace('\\', '/')).name


def _schedule(training: dict[str, Any], task: str) -> str:
    length = training.get('train_cfg') or {}
    if iterations := length.get('max_iters'):
        if task == 'COCO' and iterations % COCO_1X == 0:
            name = f'{iterations // COCO_1X}x'
        else:
            name = f'{iterations // 1000}k' if iterations % 1000 == 0 else (
                f'{iterations} iterations')
    else:
        name = f'{length.get("max_epochs")} epochs'
    dataset = _dataset(training, 'train')
    if share := dataset.get('share'):
        name += f', {100 * share:g}% of labels'
    elif _name(dataset) == 'LabelledShare':
        name += f', labels of {last_folder(dataset.get("ann_file"))}'
    return name + (' on cached features' if _name(dataset) == 'CachedFeatures' else '')


def _data_and_split(config: dict[str, Any], dataset: dict[str, Any]) -> tuple[str, str]:
    root = config.get('data_root') or dataset.get('data_root') or ''
    if file := dataset.get('ann_file'):
        return last_folder(root), re.sub(r'^instances_', '', PurePosixPath(file).stem)
    # class folders: the last folder is the split
    return last_folder(root), last_folder(dataset.get('data_root') or root)


def _dataset(config: dict[str, Any], loader: str) -> dict[str, Any]:
    dataset = (config.get(f'{loader}_dataloader') or {}).get('dataset') or {}
    while 'dataset' in dataset:  # e.g. RepeatDataset
        dataset = dataset['dataset']
    return dataset


def _how(read_out: dict[str, Any]) -> dict[str, Any]:
    if 'bank' not in read_out:  # several tasks by name
        return {name: _how(task) for name, task in read_out.items()}
    how = {key: value for key, value in read_out.items() if key not in ('methods', 'optional')}
    return how | dict(bank=_images(read_out['bank']), queries={
        name: _images(loader) for name, loader in read_out['queries'].items()})


def _images(loader: dict[str, Any]) -> dict[str, Any]:
    dataset = dict(loader['dataset'])
    return dataset | dict(folder=last_folder(dataset.get('data_root') or ''))


def _without_encoder(part: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (part or {}).items() if key not in OF_ENCODER}


def _roots(config: dict[str, Any]) -> list[str]:
    """Every data root of a config, the longest first."""
    def found(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(root := value.get('data_root'), str) and root:
                yield root.rstrip('/')
            value = list(value.values())
        if isinstance(value, list | tuple):
            for item in value:
                yield from found(item)

    return sorted(set(found(config)), key=len, reverse=True)


def _flat(value: Any, roots: list[str], key: str = '') -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name in value.keys() - INDIFFERENT:
            yield from _flat(value[name], roots, f'{key}.{name}' if key else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        for place, item in enumerate(value):
            yield from _flat(item, roots, f'{key}.{place}')
    elif value is not None:
        if isinstance(value, str):
            root = next((root for root in roots if value.startswith(root + '/')), None)
            value = value[len(root) + 1:] if root else value
        yield key, list(value) if isinstance(value, tuple) else value


def _name(part: dict[str, Any]) -> str:
    """The type without its scope."""
    return str(part.get('type', '')).split('.')[-1]


def _listed(value: Any) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value

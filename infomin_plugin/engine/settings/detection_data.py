"""Fills the paths and class names of detection configs from the user's annotations."""

import logging
import os
from collections.abc import Iterator

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log

from infomin_plugin.datasets.annotations import (
    TEST_SPLITS,
    TRAIN_SPLITS,
    TRAIN_SPLITS_BESIDE_VAL,
    AnnotationError,
    AnnotationSet,
    read_set,
)


def fill_detection_data(cfg: Config) -> None:
    """Point a detection config to the annotations below its ``data_root``, in place.

    Does nothing in a config without ``data_form``. Keys read: ``data_form`` (``'voc'`` or
    ``'coco'``), ``data_root``, ``train_split`` (``'train'``: trainval, else train), ``test_split``
    (``'test'``: test, else val; other words are meant literally) and ``classes`` (None, or a list
    of names that the annotations have to keep to). Filled: ``data_root``, ``ann_file``,
    ``data_prefix`` and ``metainfo`` of the datasets, ``ann_file`` of the COCO evaluators, and
    ``num_classes`` of the model's heads.

    Args:
        cfg (Config): The config, changed in place.

    Raises:
        AnnotationError: If a key is wrong, or a set is missing, unreadable or inconsistent; see
            :func:`infomin_plugin.datasets.annotations.read_set`.
    """
    if cfg.get('data_form') is None:
        return
    train, test = _read_both(cfg)
    classes = _agreed_classes(cfg.get('classes'), train, test)
    if _wants_masks(cfg.model):
        for found in (train, test):
            if found.without_mask:
                raise AnnotationError(
                    f'{found.ann_file}: {found.without_mask} of its {found.num_objects} objects '
                    "have no 'segmentation', but the model learns masks; use a detector without "
                    'a mask head for this set')

    for loader, found in (('train_dataloader', train), ('val_dataloader', test),
                          ('test_dataloader', test)):
        if cfg.get(loader) is not None:
            _fill_dataset(cfg[loader].dataset, found, cfg.data_root, classes)
    for evaluator in ('val_evaluator', 'test_evaluator'):
        for metric in _as_list(cfg.get(evaluator)):
            if 'ann_file' in metric:
                metric.ann_file = str(test.ann_file)
    _fill_num_classes(cfg.model, len(classes))
    print_log(
        f'annotations: {len(train.images)} training images ({train.ann_file}), '
        f'{len(test.images)} test images ({test.ann_file}), {len(classes)} classes '
        f'({", ".join(classes)})', logger='current')


def _read_both(cfg: Config) -> tuple[AnnotationSet, AnnotationSet]:
    if not cfg.get('data_root'):
        raise AnnotationError('data_form is set, but there is no data_root to look in')
    train_split, test_split = cfg.get('train_split', 'train'), cfg.get('test_split', 'test')
    test = read_set(cfg.data_root, cfg.data_form,
                    TEST_SPLITS if test_split == 'test' else [test_split])
    splits = TRAIN_SPLITS_BESIDE_VAL if test.split.startswith('val') else TRAIN_SPLITS
    train = read_set(cfg.data_root, cfg.data_form,
                     splits if train_split == 'train' else [train_split])
    if shared := len(train.images & test.images):
        print_log(f'{shared} of the {len(test.images)} test images of {test.ann_file} carry the '
                  f'same name as a training image of {train.ann_file}; if they are the same '
                  'images, the test says little', logger='current', level=logging.WARNING)
    return train, test


def _agreed_classes(given: list[str] | None, train: AnnotationSet,
                    test: AnnotationSet) -> tuple[str, ...]:
    classes = tuple(given) if given is not None else train.classes
    source = 'the list `classes` of the config' if given is not None else str(train.ann_file)
    if isinstance(given, str) or not classes or len(set(classes)) < len(classes):
        raise AnnotationError(f'classes must be a list of different names, but it is {given!r}')
    for found in (train, test):
        if outside := [name for name in found.classes if name not in classes]:
            raise AnnotationError(f'{found.ann_file} has the class {outside[0]!r}, which is not in '
                                  f'{source}: {", ".join(classes)}')
        # mmdet numbers COCO's classes by their order in each file, not in the list that it is
        # given: another order in one of the files would silently exchange classes.
        if found.form == 'coco' and found.classes != classes:
            raise AnnotationError(
                f"the 'categories' of {found.ann_file} are {', '.join(found.classes)}; they have "
                f'to be the same ones, in the same order, as in {source}: {", ".join(classes)}')
    return classes


def _fill_dataset(dataset: ConfigDict, found: AnnotationSet, data_root: str,
                  classes: tuple[str, ...]) -> None:
    while 'dataset' in dataset:  # e.g. RepeatDataset
        dataset = dataset.dataset
    image_dir = os.path.relpath(found.image_dir, data_root)
    dataset.data_root = str(data_root)
    dataset.ann_file = os.path.relpath(found.ann_file, data_root)
    dataset.data_prefix = dict(sub_data_root=image_dir) if found.form == 'voc' else dict(
        img=image_dir)
    dataset.metainfo = dict(classes=classes)


def _fill_num_classes(model: ConfigDict, num_classes: int) -> None:
    for name, head in _heads(model):
        if name in ('bbox_head', 'mask_head') or 'num_classes' in head:
            head.num_classes = num_classes


def _wants_masks(model: ConfigDict) -> bool:
    return any(name == 'mask_head' for name, _ in _heads(model))


def _heads(part: ConfigDict) -> Iterator[tuple[str, ConfigDict]]:
    """Named parts of the model below ``part``; a cascade's heads lie in a list."""
    for name, value in part.items():
        if name == 'rpn_head':  # tells objects from background, whatever the classes
            continue
        for child in _as_list(value):
            if isinstance(child, dict):
                yield name, child
                yield from _heads(child)


def _as_list(value) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]

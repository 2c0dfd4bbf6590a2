"""Work directories as MMEngine leaves them, without a run."""

import json
from copy import deepcopy
from pathlib import Path

from mmengine.config import Config

DATASET = dict(voc=dict(ann_file='VOCdevkit/VOC2007/ImageSets/Main/{}.txt'),
               coco=dict(ann_file='coco/annotations/instances_{}.json'))
EVALUATOR = dict(
    voc=dict(type='VOCMetric', iou_thrs=[0.5 + 0.05 * step for step in range(10)]),
    coco=dict(type='CocoMetric', metric=['bbox', 'segm']))
LOGGED = dict(
    voc={'AP': 'pascal_voc/mAP', 'AP50': 'pascal_voc/AP50', 'AP75': 'pascal_voc/AP75'},
    coco={'box AP': 'coco/bbox_mAP', 'mask AP': 'coco/segm_mAP'})


def initialisation(method, epochs=30, planned=None, seed=0, config=None):
    """What place_pretrained writes."""
    if method in ('random', 'supervised'):
        return dict(method=method)
    return dict(method=method, arch='resnet18_base16', origin='exported backbone',
                config=config or f'{method.lower()}_r18', epochs=epochs,
                planned_epochs=planned or epochs, seed=seed)


def detection_config(kind='voc', start=None, seed=0, epochs=6, split='test', root='/data/cutouts',
                     **changes):
    """The resolved config of a small detector; ``changes`` have ``__`` between their keys."""
    dataset = dict(type='SomeDataset', data_root=root,
                   ann_file=DATASET[kind]['ann_file'].format(split))
    config = Config(dict(
        model=dict(
            type='MaskRCNN' if kind == 'coco' else 'FasterRCNN',
            backbone=dict(type='ResNet', depth=18, base_channels=16, frozen_stages=-1),
            neck=dict(type='FPN'), roi_head=dict(bbox_head=dict(num_classes=8))),
        train_dataloader=dict(batch_size=8, num_workers=2, dataset=dataset),
        val_dataloader=dict(batch_size=8, dataset=dataset),
        test_dataloader=dict(batch_size=8, dataset=dataset),
        val_evaluator=EVALUATOR[kind], test_evaluator=EVALUATOR[kind],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.001)),
        data_root=root, randomness=dict(seed=seed), load_from=None, resume=False,
        initialisation=start or initialisation('random')))
    config.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return config


def logged(kind, scores):
    """Percent by column -> what the metric logs."""
    return {LOGGED[kind][column]: value / 100 for column, value in scores.items()}


def write_start(work_dir, config, time, lines=(), tested=None, name='detector', processes=None):
    """One start of a command: what it dumps and logs. Returns the folder."""
    folder = Path(work_dir, time)
    (folder / 'vis_data').mkdir(parents=True)
    config = deepcopy(config)
    config.work_dir = str(work_dir)
    for file in (folder / 'vis_data' / 'config.py', Path(work_dir, f'{name}.py')):
        config.dump(file)
    if lines:
        (folder / 'vis_data' / 'scalars.json').write_text(
            ''.join(f'{json.dumps(line)}\n' for line in lines))
    if processes:
        (folder / f'{time}.log').write_text(
            f'Runtime environment:\n    Distributed training: True\n    GPU number: {processes}\n')
    if tested is not None:
        (folder / f'{time}.json').write_text(json.dumps(tested))
    return folder


def write_training(work_dir, scores, kind='voc', reached=None, time='20260101_000000',
                   name='detector', processes=None, **settings):
    """A training whose last validation gave ``scores``."""
    config = detection_config(kind, **settings)
    reached = reached or config.train_cfg.max_epochs
    write_start(work_dir, config, time, name=name, processes=processes, lines=[
        dict(loss=1.0, epoch=reached, iter=10 * reached, step=10 * reached),
        logged(kind, scores) | dict(step=reached)])
    return Path(work_dir)


def write_test(work_dir, training, scores, kind='voc', epoch=6, split='test_unseen',
               time='20260101_010000', **settings):
    """A run of tools/test.py on a checkpoint of a training."""
    config = detection_config(kind, split=split, **settings)
    config.pop('initialisation')  # as tools/test.py, which places no weights
    config.load_from = f'{training}/epoch_{epoch}.pth'
    write_start(work_dir, config, time, tested=logged(kind, scores))


def write_read_out(file, scores, start, seed=0, **more):
    """What tools/analysis/read_out.py --pretrained writes, or its older files without ``more``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dict(
        scores=scores, initialisation=start, config='read_out_r18', seed=seed, **more)))


def write_pretraining(root, method, seed, points, epochs=4):
    """A pre-training with a kNN curve: percent by epoch on `test`, half of it on `unseen`."""
    work_dir = root / f'{method}-{seed}-{epochs}'
    write_start(work_dir, Config(dict(
        method=method, train_cfg=dict(max_epochs=epochs), randomness=dict(seed=seed),
        load_from=None, resume=False)), '20260101_000000')
    (work_dir / 'knn.json').write_text(json.dumps(
        [dict(epoch=epoch, test=value, unseen=value / 2) for epoch, value in points.items()]))

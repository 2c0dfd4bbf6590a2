"""AP of the VOC configs against PASCAL VOC's definition, written out here."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from annotation_sets import write_voc
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, DefaultScope

from infomin_plugin.engine.settings.detection_data import fill_detection_data

ROOT = Path(__file__).parents[2]
DEMO = ROOT / 'configs/demo/faster-rcnn_r18_fpn_voc-form.py'
VOC0712 = ROOT / 'configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py'
# 7 objects a class that count: no recall k/7 lies on one of the eleven points but 0 and 1
CLASSES = ('one', 'two', 'three')
IMAGES, COUNTED, DIFFICULT = 7, 7, 3


@pytest.fixture(autouse=True)
def _mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def _iou(a, b) -> float:
    """VOC counts both ends of a box as pixels of it."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(area) - width * height)


def _voc_ap(truth, found, name: str, threshold: float) -> float:
    """11-point AP: mean over r = 0, 0.1 ... 1 of the best precision at a recall of at least r.

    A detection, in order of its score, is true if the object of its class that it overlaps most
    is overlapped by the threshold at least and not yet found; difficult objects count for nothing.
    """
    wanted = sum(obj[0] == name and not obj[2] for objects in truth.values() for obj in objects)
    taken, true, false, curve = set(), 0, 0, []
    for image, _, box, _ in sorted((f for f in found if f[1] == name), key=lambda f: -f[3]):
        candidates = [(_iou(box, obj[1]), index, obj[2])
                      for index, obj in enumerate(truth[image]) if obj[0] == name]
        overlap, index, difficult = max(candidates, default=(0., None, 0))
        if overlap >= threshold and difficult:
            continue
        hit = overlap >= threshold and (image, index) not in taken
        if hit:
            taken.add((image, index))
        true, false = true + hit, false + (not hit)
        curve.append((true / wanted, true / (true + false)))
    return float(np.mean([
        max((precision for recall, precision in curve if recall >= point / 10), default=0.)
        for point in range(11)
    ]))


def _scene(seed: int):
    rng = np.random.default_rng(seed)
    names = [str(i) for i in range(IMAGES)]
    truth = {name: [] for name in names}
    for cls in CLASSES:
        for index in range(COUNTED + DIFFICULT):
            x, y = rng.integers(0, 25), rng.integers(0, 15)
            w, h = rng.integers(12, 22, size=2)
            truth[names[index % IMAGES]].append(
                (cls, (int(x), int(y), int(x + w), int(y + h)), int(index >= COUNTED)))
    found = []  # image, class, box, score
    for image, objects in truth.items():
        for cls, box, _ in objects:
            for _ in range(2):  # the second is a double, or of another class
                shift = rng.normal(0, 1.0, 4)
                label = cls if rng.random() < 0.8 else str(rng.choice(CLASSES))
                found.append((image, label, tuple(np.array(box) + shift), float(rng.random())))
        found.append((image, str(rng.choice(CLASSES)), (1., 1., 9., 9.), float(rng.random())))
    return truth, found


def _evaluate(dataset, metric, found) -> dict:
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dataset.metainfo
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        mine = [f for f in found if f[0] == sample.img_id]
        evaluator.process([
            dict(
                gt_instances=sample.gt_instances.to_dict() | {
                    'bboxes': sample.gt_instances.bboxes.tensor},
                ignored_instances=sample.ignored_instances.to_dict() | {
                    'bboxes': sample.ignored_instances.bboxes.tensor},
                pred_instances=dict(
                    bboxes=torch.tensor([f[2] for f in mine], dtype=torch.float32),
                    scores=torch.tensor([f[3] for f in mine]),
                    labels=torch.tensor([dataset.metainfo['classes'].index(f[1]) for f in mine])))
        ])
    return evaluator.evaluate(len(dataset))


def _dataset(tmp_path, truth):
    write_voc(tmp_path / 'VOC2007', {'trainval': truth, 'test': truth})
    cfg = Config.fromfile(DEMO)
    cfg.data_root = str(tmp_path)
    # the objects lie in 48 x 36 pixels; the boxes in full size are compared, whatever the input's
    fill_detection_data(cfg)
    register_all_modules(init_default_scope=False)
    return DATASETS.build(cfg.test_dataloader.dataset)


@pytest.mark.parametrize('config', [DEMO, VOC0712])
@pytest.mark.parametrize('seed', [0, 1])
def test_ap_as_defined(tmp_path, config, seed):
    truth, found = _scene(seed)
    figures = _evaluate(_dataset(tmp_path, truth), Config.fromfile(config).val_evaluator, found)
    thresholds = np.arange(50, 100, 5) / 100
    expected = [np.mean([_voc_ap(truth, found, name, t) for name in CLASSES]) for t in thresholds]
    assert 0.1 < expected[0] < 0.95 and expected[0] > expected[5] > expected[-1]
    assert figures['pascal_voc/mAP'] == pytest.approx(np.mean(expected), abs=1e-6)
    # it would show if difficult objects counted
    easy = {image: [(*obj[:2], 0) for obj in objects] for image, objects in truth.items()}
    assert abs(np.mean([_voc_ap(easy, found, name, 0.5) for name in CLASSES]) - expected[0]) > 0.01
    # the ones at a threshold are rounded to three digits
    assert figures['pascal_voc/AP50'] == pytest.approx(expected[0], abs=6e-4)
    assert figures['pascal_voc/AP75'] == pytest.approx(expected[5], abs=6e-4)
    assert sum(key.startswith('pascal_voc/AP') for key in figures) == 10


def test_own_class_names_are_printed(tmp_path):
    truth, found = _scene(0)
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        _evaluate(_dataset(tmp_path, truth), Config.fromfile(DEMO).val_evaluator, found)
    finally:
        logger.removeHandler(handler)
    table = next(line for line in lines if '| class' in line)
    assert all(f'| {name} ' in table for name in CLASSES) and 'aeroplane' not in table

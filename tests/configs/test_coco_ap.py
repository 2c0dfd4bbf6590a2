"""AP of the COCO configs against pycocotools, asked directly, on the mini set."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import DefaultScope
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from infomin_plugin.datasets.mini import make_mini
from infomin_plugin.engine.settings.detection_data import fill_detection_data

ROOT = Path(__file__).parents[2]
DEMO = 'configs/demo/mask-rcnn_r18_fpn_coco-form.py'
CONFIGS = (DEMO, 'configs/detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py',
           'configs/detection/cascade-mask-rcnn_r101_fpn_8xb2-2x_coco.py')
NAMES = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')  # COCOeval.stats[:6]


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A mini set whose categories have ids in another order than their names, and a crowd."""
    root = tmp_path_factory.mktemp('coco') / 'mini'
    make_mini(root, objects=12, pretrain=2, classify_train=2, classify_test=2, trainval=4, test=20)
    for path in root.glob('coco/annotations/*.json'):
        content = json.loads(path.read_text())
        for item, key in [*((c, 'id') for c in content['categories']),
                          *((a, 'category_id') for a in content['annotations'])]:
            item[key] = 100 - 7 * item[key]
        content['annotations'][3]['iscrowd'] = 1
        path.write_text(json.dumps(content))
    return root


@pytest.fixture(scope='module')
def found(root):
    """Detections: two of each object, moved, some of another class; and some of nothing.

    Image, name of the class, corners of the box, score, mask.
    """
    rng = np.random.default_rng(0)
    content = json.loads((root / 'coco/annotations/instances_test.json').read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    found = []
    for annotation in content['annotations']:
        mask = rle.decode(annotation['segmentation'])
        for spread in (0.5, 4):
            x, y, w, h = np.array(annotation['bbox']) + rng.normal(0, spread, 4)
            name = names[annotation['category_id']]
            if rng.random() < 0.2:
                name = str(rng.choice(list(names.values())))
            moved = np.roll(mask, rng.integers(-3, 4, 2) if spread > 1 else 0, (0, 1))
            found.append((annotation['image_id'], name, (x, y, x + w, y + h), rng.random(), moved))
        nothing = np.zeros_like(mask)
        nothing[4:30, 6:50] = 1
        found.append(
            (annotation['image_id'], name, (6., 4., 50., 30.), 0.4 * rng.random(), nothing))
    return found


def _by_metric(root: Path, config: str, found: list) -> dict:
    """What the config's evaluator says."""
    cfg = Config.fromfile(ROOT / DEMO)
    cfg.data_root = str(root)
    fill_detection_data(cfg)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    metric = Config.fromfile(ROOT / config).val_evaluator
    metric.ann_file = cfg.val_evaluator.ann_file
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dataset.metainfo
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        mine = [item for item in found if item[0] == sample.img_id]
        evaluator.process([dict(
            img_id=sample.img_id,
            ori_shape=sample.ori_shape,
            pred_instances=dict(
                labels=torch.tensor([dataset.metainfo['classes'].index(f[1]) for f in mine]),
                bboxes=torch.tensor([f[2] for f in mine], dtype=torch.float64),
                scores=torch.tensor([f[3] for f in mine], dtype=torch.float64),
                masks=torch.tensor(np.array([f[4] for f in mine]), dtype=torch.bool)))])
    return evaluator.evaluate(len(dataset))


def _by_pycocotools(root: Path, kind: str, found: list) -> np.ndarray:
    truth = COCO(root / 'coco/annotations/instances_test.json')
    ids = {category['name']: category['id'] for category in truth.cats.values()}
    results = []
    for image, name, (x1, y1, x2, y2), score, mask in found:
        place = dict(bbox=[x1, y1, x2 - x1, y2 - y1]) if kind == 'bbox' else dict(
            segmentation=rle.encode(np.asfortranarray(mask)))
        results.append(dict(image_id=image, category_id=ids[name], score=score) | place)
    evaluation = COCOeval(truth, truth.loadRes(results), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[:6]


@pytest.mark.parametrize('config', CONFIGS)
def test_ap_is_pycocotools(config, root, found):
    figures = _by_metric(root, config, found)
    expected = {f'coco/{kind}_{name}': value for kind in ('bbox', 'segm') for name, value in zip(
        NAMES, _by_pycocotools(root, kind, found), strict=True)}
    assert figures == pytest.approx(expected, abs=5.1e-4)  # rounded to three digits
    for kind in ('bbox', 'segm'):
        ap, ap50, ap75 = (figures[f'coco/{kind}_{name}'] for name in NAMES[:3])
        assert 0.1 < ap < ap50 < 0.95 and ap75 < ap50
    assert abs(figures['coco/bbox_mAP'] - figures['coco/segm_mAP']) > 0.01


def test_perfect_detections(root):
    content = json.loads((root / 'coco/annotations/instances_test.json').read_text())
    names = {category['id']: category['name'] for category in content['categories']}
    found = []
    for annotation in content['annotations']:
        x, y, w, h = annotation['bbox']
        found.append((annotation['image_id'], names[annotation['category_id']],
                      (x, y, x + w, y + h), 0.9, rle.decode(annotation['segmentation'])))
    figures = _by_metric(root, DEMO, found)
    assert figures['coco/bbox_mAP'] == figures['coco/segm_mAP'] == 1

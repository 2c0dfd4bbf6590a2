"""Detection configs are filled from the annotations, so that mmdet's data sets read them."""

import json
from pathlib import Path

import pytest
from annotation_sets import TEST, TRAIN, write_coco, write_voc
from mmdet.datasets import CocoDataset, XMLDataset
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from infomin_plugin.datasets.annotations import AnnotationError
from infomin_plugin.engine.settings.detection_data import fill_detection_data

ROOT = Path(__file__).parents[3]
VOC = ROOT / 'configs/demo/faster-rcnn_r18_fpn_voc-form.py'
COCO = ROOT / 'configs/demo/mask-rcnn_r18_fpn_coco-form.py'
OWN = ROOT / 'configs/detection/mask-rcnn_r50_fpn_8xb2-12e_coco-form.py'
CUTOUTS = ROOT.parent / 'shared/data/cutouts'


def _config(path: Path, root: Path, **keys) -> Config:
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(dict(data_root=str(root), **keys))
    return cfg


def _filled(path: Path, root: Path, **keys) -> Config:
    cfg = _config(path, root, **keys)
    fill_detection_data(cfg)
    return cfg


def _build(loader):
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DATASETS.build(loader.dataset)


def test_voc_form(tmp_path):
    write_voc(tmp_path / 'VOCdevkit/VOC2007', {'trainval': TRAIN, 'test': TEST})
    cfg = _filled(VOC, tmp_path)
    train, test = _build(cfg.train_dataloader), _build(cfg.test_dataloader)
    assert type(train) is XMLDataset
    assert train.metainfo['classes'] == test.metainfo['classes'] == ('cat', 'dog', 'owl')
    # mmdet prints PASCAL VOC's class names for data sets of this type
    assert test.metainfo.get('dataset_type') is None
    assert cfg.model.roi_head.bbox_head.num_classes == 3
    assert [train.get_data_info(index)['img_id'] for index in range(len(train))] == ['a', 'b']
    objects = test.get_data_info(0)['instances']
    assert [(o['bbox_label'], o['bbox'], o['ignore_flag']) for o in objects] == [
        (1, [4, 4, 24, 28], 0), (0, [30, 8, 44, 20], 1)]
    assert Path(train.get_data_info(0)['img_path']).is_file()


@pytest.mark.parametrize('config', [COCO, OWN])
def test_coco_form(tmp_path, config):
    write_coco(tmp_path, {'train': TRAIN, 'val': TEST}, image_dir='pictures')
    cfg = _filled(config, tmp_path)
    train, test = _build(cfg.train_dataloader), _build(cfg.val_dataloader)
    assert type(train) is CocoDataset
    assert train.metainfo['classes'] == test.metainfo['classes'] == ('owl', 'cat', 'dog')
    head = cfg.model.roi_head
    assert head.bbox_head.num_classes == head.mask_head.num_classes == 3
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.ann_file == str(tmp_path / 'annotations/instances_val.json')
    assert [o['bbox_label'] for i in range(2) for o in train.get_data_info(i)['instances']] == [
        1, 2, 0]
    assert Path(test.get_data_info(0)['img_path']).is_file()


def test_config_without_data_form_is_left_alone(tmp_path):
    cfg = _config(ROOT / 'configs/detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py', tmp_path)
    before = cfg.to_dict()
    fill_detection_data(cfg)
    assert cfg.to_dict() == before


def test_test_split_val_is_not_trained_on(tmp_path):
    write_voc(tmp_path / 'set', {'trainval': {**TRAIN, **TEST}, 'train': TRAIN, 'val': TEST})
    cfg = _filled(VOC, tmp_path)
    assert cfg.train_dataloader.dataset.ann_file == 'set/ImageSets/Main/train.txt'
    assert cfg.val_dataloader.dataset.ann_file == 'set/ImageSets/Main/val.txt'


def test_splits_by_name(tmp_path):
    write_coco(tmp_path, {'one': TRAIN, 'two': TEST, 'test': TEST})
    cfg = _filled(COCO, tmp_path, train_split='one', test_split='two')
    assert cfg.train_dataloader.dataset.ann_file == 'annotations/instances_one.json'
    assert cfg.test_dataloader.dataset.ann_file == 'annotations/instances_two.json'


def test_every_head_of_a_cascade_and_wrapped_data_sets(tmp_path):
    write_voc(tmp_path / 'set', {'train': TRAIN, 'test': TEST})
    cfg = _config(VOC, tmp_path)
    heads = [dict(type='Shared2FCBBoxHead'), dict(type='Shared2FCBBoxHead', num_classes=80)]
    cfg.model = dict(rpn_head=dict(num_classes=1), roi_head=dict(bbox_head=heads),
                     bbox_head=dict(num_classes=5))
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset)
    fill_detection_data(cfg)
    assert [head.num_classes for head in cfg.model.roi_head.bbox_head] == [3, 3]
    assert (cfg.model.bbox_head.num_classes, cfg.model.rpn_head.num_classes) == (3, 1)
    assert len(_build(cfg.train_dataloader)) == 4


def test_given_classes_keep_their_order_and_bound_the_annotations(tmp_path):
    write_voc(tmp_path / 'set', {'train': TRAIN, 'test': TEST})
    cfg = _filled(VOC, tmp_path, classes=['yak', 'owl', 'dog', 'cat'])
    assert cfg.model.roi_head.bbox_head.num_classes == 4
    assert _build(cfg.test_dataloader).get_data_info(0)['instances'][0]['bbox_label'] == 2
    with pytest.raises(AnnotationError, match=r"train\.txt has the class 'owl'.*`classes`"):
        _filled(VOC, tmp_path, classes=['cat', 'dog'])
    with pytest.raises(AnnotationError, match='classes must be a list of different names'):
        _filled(VOC, tmp_path, classes='cat')


def test_class_that_only_the_test_has(tmp_path):
    write_voc(tmp_path / 'set', {'train': {'b': TRAIN['b']}, 'test': TEST})
    with pytest.raises(AnnotationError, match=r"test\.txt has the class 'cat'.*train\.txt: owl"):
        _filled(VOC, tmp_path)


def test_categories_in_another_order_would_exchange_classes(tmp_path):
    write_coco(tmp_path, {'train': TRAIN})
    write_coco(tmp_path, {'test': TEST}, classes=('dog', 'cat', 'owl'))
    with pytest.raises(AnnotationError, match=r'(?s)instances_test\.json.*dog, cat, owl.*order'):
        _filled(COCO, tmp_path)


def test_masks_have_to_be_there_for_a_mask_head(tmp_path):
    write_coco(tmp_path, {'train': TRAIN, 'test': TEST})
    file = tmp_path / 'annotations/instances_train.json'
    content = json.loads(file.read_text())
    content['annotations'][1]['segmentation'] = []
    file.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=r'instances_train\.json: 1 of its 3 objects have no'):
        _filled(COCO, tmp_path)


def test_missing_root_is_named(tmp_path):
    with pytest.raises(AnnotationError, match='there is no folder .*nowhere.*data_root'):
        _filled(COCO, tmp_path / 'nowhere')
    with pytest.raises(AnnotationError, match='no data_root'):
        _filled(COCO, '')


@pytest.mark.skipif(not CUTOUTS.is_dir(), reason='the benchmark ../shared/data/cutouts is absent')
@pytest.mark.parametrize('split', ['test', 'test_unseen'])
def test_cutouts_in_both_forms(split):
    classes = ('mammal', 'bird', 'insect', 'fish', 'fruit', 'vegetable', 'flower', 'vehicle')
    voc, coco = (_filled(config, CUTOUTS, test_split=split) for config in (VOC, COCO))
    assert sorted(voc.val_dataloader.dataset.metainfo.classes) == sorted(classes)
    assert coco.val_dataloader.dataset.metainfo.classes == classes
    voc, coco = (_build(cfg.val_dataloader) for cfg in (voc, coco))
    assert len(voc) == len(coco) == 300
    for index in range(300):  # the same objects in both
        ours, theirs = voc.get_data_info(index), coco.get_data_info(index)
        assert Path(ours['img_path']).samefile(theirs['img_path'])
        names = [
            sorted(data.metainfo['classes'][obj['bbox_label']] for obj in info['instances'])
            for data, info in ((voc, ours), (coco, theirs))
        ]
        assert names[0] == names[1]

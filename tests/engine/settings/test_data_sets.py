"""Every kind of config says in a line which data it lacks, what sets it and what gets it."""

import re
import sys
from pathlib import Path

import pytest
from annotation_sets import TEST as TEST_IMAGES
from annotation_sets import TRAIN as TRAIN_IMAGES
from annotation_sets import write_coco, write_image, write_voc
from mmengine.config import Config
from mmengine.registry import DefaultScope
from tool_modules import load_tool

from infomin_plugin.engine.faults.setup_error import MissingDataError
from infomin_plugin.engine.settings.data_sets import TEST, TRAIN, check_data
from infomin_plugin.engine.settings.reroot import reroot

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / 'configs'
PRETRAIN = 'pretrain/infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py'
LINEAR = 'linear/linear_resnet50_8xb32-steplr-60e_in1k.py'
SHARE = 'semi-supervised/resnet50_head100_8xb32-steplr1e-2-20e_in1k-1pct.py'
VOC = 'detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py'
COCO = 'detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py'
CUTOUTS = 'cutouts/infomin_r18.py'
PIRL = 'cutouts/pirl_r18.py'
# config -> where it looks first, below data_root, and the set of tools/data/prepare.py
LACKS = {
    PRETRAIN: ('', 'imagenet'),
    LINEAR: ('/train', 'imagenet'),
    SHARE: ('/train', 'imagenet'),
    VOC: ('', 'voc0712'),
    COCO: ('', 'coco2017'),
    CUTOUTS: ('/objects', None),
    PIRL: ('/objects', None),
    'view_learning/unsupervised_rgb_vp_stl10.py': ('', 'stl10'),
    'sweet_spot/patch-distance_div2k.py': ('/DIV2K/DIV2K_train_HR', 'div2k'),
}


def resolved(name, data_root):
    cfg = Config.fromfile(CONFIGS / name)
    cfg.data_root = str(data_root)
    reroot(cfg)
    return cfg


def refusal(name, data_root, sections=TRAIN):
    with pytest.raises(MissingDataError) as error:
        check_data(resolved(name, data_root), sections)
    return str(error.value)


@pytest.mark.parametrize('folder', ['nowhere', 'empty'])
@pytest.mark.parametrize('name', LACKS)
def test_a_set_that_is_missing_is_named_with_the_remedy(tmp_path, name, folder):
    (tmp_path / 'empty').mkdir()
    below, prepared = LACKS[name]
    path = re.escape(f'{tmp_path / folder}{below}')
    problem = f'{path}/? is empty' if folder == 'empty' and not below else f'there is no {path}/?'
    remedy = f', or get the set by tools/data/prepare.py {prepared}' if prepared else ''
    assert re.fullmatch(rf'train_dataloader\.dataset[.\w]*: {problem}: set it by --cfg-options '
                        rf'data_root=DIR{remedy}', refusal(name, tmp_path / folder))


@pytest.mark.parametrize('name, folder', [
    (PRETRAIN, 'nowhere'), (PRETRAIN, 'empty'), (LINEAR, 'nowhere'), (SHARE, 'nowhere'),
    (VOC, 'nowhere'), (VOC, 'empty'), (COCO, 'nowhere'), (PIRL, 'empty')])
def test_the_tool_ends_with_that_line(tmp_path, monkeypatch, name, folder):
    (tmp_path / 'empty').mkdir()
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', [
        'train.py', str(CONFIGS / name), '--work-dir', str(tmp_path / 'work'), '--cfg-options',
        f'data_root={tmp_path / folder}', 'log_level=ERROR',
        f'experiment_name={tmp_path.name}',
        # mmdet's has a name, and would go on drawing into an earlier work_dir
        *([f'visualizer.name={tmp_path.name}'] if name in (VOC, COCO) else [])])
    with DefaultScope.overwrite_default_scope('mmengine'), pytest.raises(SystemExit) as error:
        load_tool(ROOT / 'tools/train.py').main()
    message = error.value.code  # a text: the exit status is 1
    below, prepared = LACKS[name]
    assert message.startswith('error: train_dataloader.dataset') and '\n' not in message
    assert f'{tmp_path / folder}{below}' in message and 'data_root=DIR' in message
    assert prepared is None or message.endswith(f'tools/data/prepare.py {prepared}')


def test_every_part_of_a_voc_set_is_looked_for(tmp_path):
    images = {'trainval': TRAIN_IMAGES, 'test': TEST_IMAGES}
    for year in (2007, 2012):
        write_voc(tmp_path / f'VOC{year}', images)
    cfg = resolved(VOC, tmp_path)
    check_data(cfg, [*TRAIN, *TEST])
    (tmp_path / 'VOC2007/ImageSets/Main/test.txt').unlink()
    assert 'val_dataloader.dataset: there is no ' in refusal(VOC, tmp_path)
    assert 'VOC2007/ImageSets/Main/test.txt' in refusal(VOC, tmp_path, TEST)
    check_data(cfg, ['train_dataloader'])
    (tmp_path / 'VOC2012/JPEGImages').rename(tmp_path / 'elsewhere')
    assert re.search(r'train_dataloader.dataset.datasets.1: there is no \S+VOC2012/JPEGImages: ',
                     refusal(VOC, tmp_path))


def test_every_part_of_a_coco_set_is_looked_for(tmp_path):
    write_coco(tmp_path, {'train2017': TRAIN_IMAGES}, image_dir='train2017')
    assert 'val_dataloader.dataset: there is no ' in refusal(COCO, tmp_path)
    check_data(resolved(COCO, tmp_path), ['train_dataloader'])
    (tmp_path / 'train2017').rename(tmp_path / 'elsewhere')
    assert f'no {tmp_path}/train2017' in refusal(COCO, tmp_path)


def test_the_sets_of_hooks_are_looked_for(tmp_path):
    write_image(tmp_path / 'objects/a.jpg')
    message = refusal(CUTOUTS, tmp_path)
    assert message.startswith('custom_hooks.0.bank.dataset: ')
    assert f'no {tmp_path}/classify/train: ' in message


def test_a_folder_apart_from_data_root_is_set_by_its_own_key(tmp_path):
    write_image(tmp_path / 'a.jpg')
    cfg = resolved(PRETRAIN, tmp_path)
    cfg.train_dataloader.dataset.data_root = '/elsewhere'
    with pytest.raises(MissingDataError, match='options train_dataloader.dataset.data_root=DIR'):
        check_data(cfg, TRAIN)


def test_what_lies_on_another_storage_is_left_alone():
    remote = dict(type='A', data_root='s3://bucket/set', ann_file='a.json')
    client = dict(type='A', data_root='set', backend_args=dict(backend='petrel'))
    check_data(Config(dict(train_dataloader=dict(dataset=dict(datasets=[remote, client])),
                           val_dataloader=None)), TRAIN)

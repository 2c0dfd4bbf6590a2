"""The table against torchvision's, and against the configs that read the sets."""

from pathlib import Path

import pytest
from mmengine.config import Config
from torchvision.datasets import STL10
from torchvision.datasets.imagenet import ARCHIVE_META
from torchvision.datasets.voc import DATASET_YEAR_DICT

from infomin_plugin.datasets.prepare.checks import CocoFile, Digests, Images, Stl10Split, VocSplit
from infomin_plugin.datasets.prepare.sources import (
    COCO2017,
    DIV2K,
    IMAGENET,
    SOURCES,
    VOC0712,
)
from infomin_plugin.datasets.prepare.sources import STL10 as OURS

CONFIGS = Path(__file__).parents[3] / 'configs'


def config(name):
    return Config.fromfile(CONFIGS / name)


def folders(source, kind):
    return {check.folder for archive in source.archives for check in archive.checks
            if isinstance(check, kind)}


def test_voc_is_torchvisions():
    theirs = [DATASET_YEAR_DICT[year] for year in ('2007', '2007-test', '2012')]
    assert [(a.file, a.url, a.digest) for a in VOC0712.archives] == [
        (t['filename'], t['url'], f"md5:{t['md5']}") for t in theirs]
    assert [a.checks[0].folder for a in VOC0712.archives] == [t['base_dir'] for t in theirs]


def test_stl10_is_torchvisions():
    archive, = OURS.archives
    assert (archive.file, archive.url, archive.digest) == (
        STL10.filename, STL10.url, f'md5:{STL10.tgz_md5}')
    assert archive.checks[-1].digests == {
        name: f'md5:{md5}' for name, md5 in STL10.train_list + STL10.test_list}


def test_imagenet_is_torchvisions():
    theirs = [ARCHIVE_META[split] for split in ('train', 'val')]
    assert [(a.file, a.digest) for a in IMAGENET.archives] == [
        (file, f'md5:{md5}') for file, md5 in theirs]
    assert ARCHIVE_META['devkit'][0] in IMAGENET.by_hand
    assert not any(archive.url for archive in IMAGENET.archives)


@pytest.mark.parametrize('source', SOURCES.values(), ids=SOURCES)
def test_archives_have_a_checksum(source):
    digits = {'md5': 32, 'sha256': 64}
    for archive in source.archives:
        assert bool(archive.url) == bool(archive.size)
        assert bool(archive.url) or source.by_hand
        name, value = archive.digest.split(':')
        assert len(bytes.fromhex(value)) * 2 == digits[name]
        if archive.url:
            assert archive.url.endswith(f'/{archive.file}')


def test_voc_lies_where_the_config_looks():
    cfg = config('detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py')
    sets = [*cfg.train_dataloader.dataset.datasets, cfg.test_dataloader.dataset]
    ours = {f'data/{check.folder}/ImageSets/Main/{check.split}.txt'
            for archive in VOC0712.archives for check in archive.checks
            if isinstance(check, VocSplit)}
    assert {s.data_root + s.ann_file for s in sets} == ours


def test_coco_lies_where_the_config_looks():
    cfg = config('detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py')
    for loader, split in ((cfg.train_dataloader, 'train2017'), (cfg.test_dataloader, 'val2017')):
        check = next(check for check in COCO2017.archives[-1].checks if check.split == split)
        assert isinstance(check, CocoFile)
        base = loader.dataset.data_root
        assert base + loader.dataset.ann_file == (
            f'data/{check.folder}/annotations/instances_{split}.json')
        assert (base + loader.dataset.data_prefix.img).rstrip('/').removeprefix('data/') in (
            folders(COCO2017, Images))


def test_the_others_lie_where_the_configs_look():
    unlabelled = config('_base_/datasets/in1k.py').train_dataloader.dataset
    labelled = config('_base_/read_out/in1k_classes.py')
    assert {f'data/{folder}' for folder in folders(IMAGENET, Images)} == {
        f'{unlabelled.data_root}/{unlabelled.split}',
        labelled.val_dataloader.dataset.data_root}
    assert labelled.train_dataloader.dataset.data_root == (
        f'{unlabelled.data_root}/{unlabelled.split}')
    stl10 = config('view_learning/unsupervised_rgb_vp_stl10.py').data_root
    assert folders(OURS, (Stl10Split, Digests)) == {stl10.removeprefix('data/')}
    patches = config('sweet_spot/patch-distance_div2k.py')
    used = {patches.train_dataloader.dataset.data_root,
            patches.mutual_information.dataset.data_root}
    assert {f'data/{folder}' for folder in folders(DIV2K, Images)} == used

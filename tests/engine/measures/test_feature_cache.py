"""Cached features: the read-out on them is the one on images; they cannot be mixed up."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from config_runs import train_config
from mmcls.models.backbones import ResNet
from mmengine.config import Config
from mmengine.registry import RUNNERS, DefaultScope
from PIL import Image
from read_outs import (
    CLASSES,
    CONFIGS,
    IN_PROCESS,
    NARROW,
    SMALL,
    write_colored_classes,
    write_narrow_trunk,
)
from tool_modules import load_tool

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.datasets import CachedFeatures
from infomin_plugin.engine.command_line import parse_options
from infomin_plugin.engine.measures.feature_cache import cache_features, fingerprint

PLAIN = CONFIGS / 'linear' / 'linear_resnet50_8xb32-steplr-60e_in1k.py'
CACHED = CONFIGS / 'linear' / 'linear_cached-resnet50_1xb256-steplr-60e_in1k.py'
TOOL = CONFIGS.parent / 'tools' / 'analysis' / 'cache_features.py'
LENGTH = ('train_cfg.max_epochs=4', 'train_dataloader.batch_size=8', 'val_dataloader.batch_size=8',
          'test_dataloader.batch_size=8', 'optim_wrapper.optimizer.lr=1.0',
          'param_scheduler.0.milestones=[2,3,4]')


def config(root, pretrained='trunk.pth', *options):
    cfg = Config.fromfile(PLAIN)
    cfg.merge_from_dict(parse_options([*NARROW, *SMALL, *IN_PROCESS, f'data_root={root}/set',
                                       'val_dataloader.batch_size=8', *options]))
    cfg.pretrained = pretrained if pretrained == 'random' else str(root / pretrained)
    return cfg


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A set, two trunks and the first one's features."""
    root = tmp_path_factory.mktemp('cache')
    write_colored_classes(root / 'set')
    for seed, name in enumerate(('trunk.pth', 'other.pth')):
        write_narrow_trunk(root / name, seed)
    assert cache_features(config(root), root / 'cache') == dict(train=True, val=True)
    return root


@pytest.fixture(scope='module')
def both(root):
    """The read-out on images without augmentation, and the one on their features."""
    plain = root / 'plain.py'
    plain.write_text(f"_base_ = '{PLAIN}'\n"
                     'train_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))\n')
    images = train_config(plain, root / 'images', pretrained=root / 'trunk.pth', options=(
        *NARROW, *SMALL, *IN_PROCESS, *LENGTH, f'data_root={root}/set'))
    features = train_config(CACHED, root / 'features', pretrained=root / 'trunk.pth', options=(
        *NARROW, *IN_PROCESS, *LENGTH, f'data_root={root}/cache'))
    return images, features


def test_features_are_the_trunks_averages(root):
    """Of images as Pillow reads and crops them, by hand."""
    trunk = ResNet(depth=18, base_channels=8, stem_channels=8)
    trunk.load_state_dict(torch.load(root / 'trunk.pth', weights_only=True))
    trunk.eval()
    data = CachedFeatures(str(root / 'cache' / 'val'))
    assert data.metainfo['classes'] == CLASSES and len(data) == 12
    names = json.loads((root / 'cache' / 'val' / 'names.json').read_text())
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    for index in (0, 5, 11):
        assert names[index] == f'{CLASSES[index // 2]}/{index % 2}.png'
        image = Image.open(root / 'set' / 'val' / names[index])  # 36×40: 7/8 of 36 px, centred
        top, left = (40 - 32) // 2, (36 - 32) // 2
        image = np.asarray(image.crop((left, top, left + 32, top + 32)))
        batch = torch.from_numpy(((image - mean) / std).transpose(2, 0, 1)).float()[None]
        with torch.no_grad():
            wanted = trunk(batch)[-1].mean(dim=(2, 3))[0]
        sample = data[index]
        assert sample['gt_label'] == index // 2 and sample['inputs'].dtype == torch.float32
        torch.testing.assert_close(sample['inputs'], wanted, rtol=1e-4, atol=1e-5)


def test_the_read_out_on_features_is_the_one_on_images(both):
    images, features = (runner.model.head.fc for runner in both)
    torch.testing.assert_close(features.weight, images.weight, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(features.bias, images.bias, rtol=1e-5, atol=1e-6)
    assert images.weight.abs().max() > 0.1  # it starts from N(0, 0.01)
    scores = [[runner.message_hub.get_scalar(f'val/accuracy/top{k}').current() for k in (1, 5)]
              for runner in both]
    assert scores[0] == scores[1]


def test_a_model_trained_on_features_takes_images(root, both):
    cfg = config(root)
    cfg.update(pretrained=None, load_from=str(root / 'features' / 'epoch_4.pth'),
               work_dir=str(root / 'test'), experiment_name='cached_on_images')
    with DefaultScope.overwrite_default_scope('mmengine'):
        scores = RUNNERS.build(cfg).test()
    assert scores['accuracy/top1'] == both[1].message_hub.get_scalar('val/accuracy/top1').current()


def test_the_work_dir_says_where_the_features_came_from(both):
    images, features = (runner.cfg.initialisation for runner in both)
    assert images == features and features.arch == 'resnet18_base8'


def test_a_cache_is_kept(root):
    before = (root / 'cache' / 'train' / 'features.npy').stat()
    assert cache_features(config(root), root / 'cache') == dict(train=False, val=False)
    assert (root / 'cache' / 'train' / 'features.npy').stat() == before


@pytest.mark.parametrize('change, what', [
    (dict(pretrained='other.pth'), 'trunk'),
    (dict(option='val_dataloader.dataset.pipeline.1.views.recipe.0.crop_ratio=0.5'), 'pipeline')])
def test_another_cache_is_not_replaced(root, change, what):
    cfg = config(root, change.get('pretrained', 'trunk.pth'),
                 *([change['option']] if 'option' in change else []))
    with pytest.raises(FileExistsError, match=f'cache/train was made of other .*{what}'):
        cache_features(cfg, root / 'cache')


def test_the_same_random_trunk_is_made_again(root):
    cache_features(config(root, 'random'), root / 'random')
    train_config(CACHED, root / 'on-random', pretrained='random', options=(
        *NARROW, *IN_PROCESS, *LENGTH, f'data_root={root}/random', 'train_cfg.max_epochs=1'))


def test_features_of_another_trunk_are_refused(root):
    with pytest.raises(ValueError, match='cache/train holds the features of another trunk'):
        train_config(CACHED, root / 'wrong', pretrained=root / 'other.pth', options=(
            *NARROW, *IN_PROCESS, *LENGTH, f'data_root={root}/cache'))


def test_every_tensor_counts():
    torch.manual_seed(0)
    trunk = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4))
    before = fingerprint(trunk)
    assert fingerprint(trunk.eval()) == before
    for tensor in trunk.state_dict().values():
        tensor += 1
        assert fingerprint(trunk) != before
        before = fingerprint(trunk)


def test_what_cannot_be_cached_is_named(root, tmp_path):
    semi = Config.fromfile(
        CONFIGS / 'semi-supervised' / 'resnet50_head100_8xb32-steplr1e-2-20e_in1k-1pct.py')
    cfg = config(root)
    cfg.model.backbone.update(frozen_stages=-1)
    with pytest.raises(ValueError, match='learns'):
        cache_features(cfg, tmp_path / 'out')
    with pytest.raises(CheckpointError, match='ResNet-50'):
        semi.update(pretrained=str(root / 'trunk.pth'), data_root=f'{root}/set')
        cache_features(semi, tmp_path / 'out')
    with pytest.raises(FileNotFoundError, match='nowhere'):
        cache_features(config(root, 'trunk.pth', 'data_root=nowhere'), tmp_path / 'out')
    (root / 'set' / 'val' / 'fox').rename(root / 'set' / 'val' / 'gnu')
    try:
        with pytest.raises(ValueError, match='gnu'):
            cache_features(config(root), tmp_path / 'out')
    finally:
        (root / 'set' / 'val' / 'gnu').rename(root / 'set' / 'val' / 'fox')
    assert not (tmp_path / 'out').exists()


def test_a_broken_image_leaves_nothing(root, tmp_path):
    write_colored_classes(tmp_path / 'set', train=1, val=1)
    (tmp_path / 'set' / 'train' / 'dog' / '0.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='dog/0.png'):
        cache_features(config(root, 'trunk.pth', f'data_root={tmp_path}/set'), tmp_path / 'out')
    assert list((tmp_path / 'out').iterdir()) == []


def test_the_tool(root, tmp_path, capsys):
    tool = load_tool(TOOL)
    arguments = [str(PLAIN), str(tmp_path / 'out'), '--cfg-options', f'data_root={root}/set',
                 *NARROW, *SMALL, *IN_PROCESS, '--pretrained']
    tool.main([*arguments, str(root / 'trunk.pth')])
    assert f'{tmp_path / "out" / "val"}: written' in capsys.readouterr().out
    for name in ('features.npy', 'labels.npy'):
        np.testing.assert_allclose(*(np.load(Path(folder) / 'val' / name)
                                     for folder in (tmp_path / 'out', root / 'cache')), rtol=1e-5)
    with pytest.raises(SystemExit, match='error: .*nothing.pth'):
        tool.main([*arguments, str(root / 'nothing.pth')])

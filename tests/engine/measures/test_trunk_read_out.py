"""From a pre-training's checkpoint to a read-out of its trunk: what it says of its origin."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from image_sets import write_folder_set
from mmengine.config import Config
from mmengine.registry import RUNNERS, DefaultScope
from mmengine.runner import Runner
from sklearn.neighbors import KNeighborsClassifier
from tool_modules import load_tool

from infomin_plugin.checkpoints import CheckpointError, read_trunk, write_backbone
from infomin_plugin.engine.measures.read_out import read_out_trunk
from infomin_plugin.engine.results.read_outs import describe_read_out
from infomin_plugin.engine.results.read_outs import read_out as measured
from infomin_plugin.models import TrunkFeatures

TRUNK = dict(depth=18, stem_channels=4, base_channels=4)
PREPROCESSOR = dict(type='ViewDataPreprocessor', mean=(100., 110., 120.), std=(50., 60., 70.))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('set')
    write_folder_set(folder, size=(20, 18), scene=(24, 30))
    return folder


def loader(root, folder, **dataset):
    return dict(
        batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='ImageFolder', data_root=f'{root}/{folder}', pipeline=[
                dict(type='LoadImage'),
                dict(type='MultiView', views=dict(
                    num=1, recipe=[dict(type='CenterResizedCrop', size=16, crop_ratio=1.0)])),
                dict(type='PackViews', meta_keys=('img_path', 'gt_label', 'sample_idx'))],
            **dataset))


def read_out_config(root, **settings):
    return Config(dict(
        default_scope='infomin_plugin', randomness=dict(seed=0),
        model=dict(type='TrunkFeatures', data_preprocessor=PREPROCESSOR,
                   backbone=dict(type='mmdet.ResNet', **TRUNK)),
        read_out=dict(
            bank=loader(root, 'classify/train', with_labels=True),
            queries=dict(test=loader(root, 'classify/test', with_labels=True)),
            methods=['knn', 'linear'], knn=dict(k=3, temperature=0.5))) | settings)


@pytest.fixture(scope='module')
def pretrained(root, tmp_path_factory):
    """An InstDis checkpoint of one epoch of two, and its exported trunk."""
    work_dir = tmp_path_factory.mktemp('work')
    cfg = Config(dict(
        runner_type='infomin_plugin.InfoMinRunner', default_scope='infomin_plugin',
        method='InstDis', experiment_name=str(work_dir), work_dir=str(work_dir / 'run'),
        log_level='ERROR', randomness=dict(seed=3),
        model=dict(
            type='InfoMin', data_preprocessor=PREPROCESSOR | dict(keep=('sample_idx', )),
            backbone=dict(type='mmselfsup.ResNet', out_indices=(4, ), **TRUNK),
            neck=dict(type='mmselfsup.LinearNeck', in_channels=32, out_channels=4),
            head=dict(type='ContrastiveHead', temperature=0.2),
            memory=dict(type='KeyBank', length=None, channels=4, num_negatives=8)),
        train_dataloader=loader(root, 'objects'),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1))))
    file = work_dir / 'instdis_tiny.py'
    cfg.dump(file)
    cfg = Config.fromfile(file)
    cfg.merge_from_dict({
        'model.head.temperature': 0.1, 'train_dataloader.batch_size': 2,
        'train_dataloader.num_workers': 0, 'data_root': str(root)})
    RUNNERS.build(cfg).train()
    checkpoint = work_dir / 'run' / 'epoch_1.pth'
    write_backbone(work_dir / 'backbone.pth', read_trunk(checkpoint))
    return checkpoint, work_dir / 'backbone.pth'


@pytest.mark.parametrize('which', [0, 1], ids=['checkpoint', 'exported'])
def test_a_trunk_says_how_it_was_trained(root, pretrained, which):
    trunk = read_trunk(pretrained[which])
    assert trunk.pretraining == dict(
        method='InstDis', config='instdis_tiny', epochs=1, planned_epochs=2, seed=3,
        images=len(list(root.glob('objects/**/*.png'))), batch=2,
        overridden='model.head.temperature=0.1')


def test_the_read_out_is_of_that_trunk(root, pretrained):
    cfg = read_out_config(root, pretrained=str(pretrained[1]))
    scores, initialisation = read_out_trunk(cfg)
    assert initialisation['method'] == 'InstDis' and initialisation['epochs'] == 1
    assert initialisation['arch'] == 'resnet18_base4'
    assert set(scores) == {'knn test', 'linear test'}
    assert 'initialisation' not in cfg  # the given config is left as it was

    # nearest neighbours of what the trunk itself gives, by scikit-learn
    model = TrunkFeatures(read_out_config(root).model.backbone, PREPROCESSOR)
    model.backbone.load_state_dict(read_trunk(pretrained[0]).state_dict)
    model.eval()
    found = {}
    for name in ('train', 'test'):
        with DefaultScope.overwrite_default_scope('infomin_plugin'):
            data = Runner.build_dataloader(loader(root, f'classify/{name}', with_labels=True))
        with torch.no_grad():
            parts = [(model(**model.data_preprocessor(batch)), batch['gt_label'])
                     for batch in data]
        found[name] = [torch.cat(each).numpy() for each in zip(*parts, strict=True)]
    oracle = KNeighborsClassifier(
        3, metric='cosine', weights=lambda distance: np.exp((1 - distance) / 0.5))
    accuracy = oracle.fit(*found['train']).score(*found['test'])
    assert scores['knn test'] == pytest.approx(100 * accuracy)


def test_a_random_trunk_is_that_of_its_seed(root):
    def scores(seed):
        found, initialisation = read_out_trunk(read_out_config(
            root, pretrained='random', randomness=dict(seed=seed)))
        assert initialisation == dict(method='random')
        return found

    several = [scores(seed) for seed in range(4)]
    assert scores(0) == several[0] and any(each != several[0] for each in several[1:])


def test_a_trunk_of_another_width_is_refused(root, pretrained):
    cfg = read_out_config(root, pretrained=str(pretrained[1]))
    cfg.model.backbone.base_channels = 8
    with pytest.raises(CheckpointError, match='ResNet-18 with 4 base channels, the mmdet.ResNet'):
        read_out_trunk(cfg)


def test_an_unknown_method_is_named(root):
    cfg = read_out_config(root, pretrained='random')
    cfg.read_out.methods = ['forest']
    with pytest.raises(ValueError, match="'linear' and 'knn', got 'forest'"):
        read_out_trunk(cfg)


@pytest.mark.parametrize(('key', 'value'), [
    ('knn.k', 4), ('knn.temperature', 0.1), ('inverse_penalty', [0.1]),
    ('bank.dataset.data_root', '/sets/classify/train10'),
    ('queries.test.dataset.pipeline.1.views.recipe.0.size', 32)])
def test_what_decides_the_figure_is_said(key, value, root):
    def said(**changes):
        cfg = read_out_config(root)
        cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
        return describe_read_out(cfg, 'any', seed=0)

    settings = said()['settings']
    assert said(**{f'read_out.{key}': value})['settings'] != settings
    # another machine, the order of images, and what else is measured are no other setting
    assert said(read_out__bank__batch_size=2, read_out__methods=['knn'])['settings'] == settings
    moved = said(read_out__bank__dataset__data_root='/elsewhere/classify/train')
    assert moved['settings'] == settings


def test_read_outs_of_one_and_of_two_trunks_are_alike():
    configs = Path(__file__).parents[3] / 'configs' / 'cutouts'
    one, two = (describe_read_out(Config.fromfile(configs / f'read_out_{name}.py'), name, seed=0)
                for name in ('r18', 'two-view-r18'))
    assert one['encoder'] == two['encoder'] == 'quarter-width ResNet-18'
    assert one['settings'] == two['settings']
    assert one['settings']['read_out.knn.k'] == 20


def test_the_tool_writes_what_it_measured(root, pretrained, tmp_path, monkeypatch):
    path = Path(__file__).parents[3] / 'tools/analysis/read_out.py'
    tool = load_tool(path)
    read_out_config(root).dump(tmp_path / 'config.py')
    out = tmp_path / 'deep' / 'scores.json'
    tool.main([str(tmp_path / 'config.py'), '--pretrained', str(pretrained[1]), '--out', str(out)])
    written = json.loads(out.read_text())
    assert written['config'] == 'config' and written['initialisation']['method'] == 'InstDis'
    assert 0 <= written['scores']['linear test'] <= 100
    measurement, = measured(out)
    assert measurement.subject.encoder == '4-channel ResNet-18'
    assert measurement.shared['read_out.knn.temperature'] == 0.5
    assert measurement.shared['read_out.queries.test.folder'] == 'test'
    with pytest.raises(SystemExit):
        tool.main([str(tmp_path / 'config.py')])

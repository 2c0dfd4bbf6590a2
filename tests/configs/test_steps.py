"""Every config trains a step and tests a step on the CPU, at reduced size; new ones are found."""

import json
import math
from pathlib import Path

import pytest
import torch
from config_runs import logged_lines, train_config
from mmengine.config import Config
from read_outs import write_colored_classes
from tiny_configs import write_tiny
from training_sets import as_coco2017, as_voc0712

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine.measures.feature_cache import cache_features
from infomin_plugin.engine.measures.read_out import read_out_trunk

FOLDER = Path(__file__).parents[2] / 'configs'
# parts of configs, lists of runs, and what has a file of tests of its own beside this one
ELSEWHERE = ('_base_', 'tables', 'sweet_spot', 'view_learning')
CONFIGS = {str(path.relative_to(FOLDER).with_suffix('')): path for path in sorted(
    FOLDER.glob('**/*.py')) if path.relative_to(FOLDER).parts[0] not in ELSEWHERE}
INFOMIN = 'pretrain/infomin/infomin_resnet50_8xb32-coslr-200e_in1k'
MOCOV2 = 'pretrain/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k'
LINEAR = 'linear/linear_resnet50_8xb32-steplr-60e_in1k'


@pytest.fixture(scope='module')
def sets(images, mini, tmp_path_factory):
    """The data that configs want, by name."""
    root = tmp_path_factory.mktemp('sets')
    return dict(
        images=images,
        mini=mini,
        voc0712=as_voc0712(mini, root / 'voc0712'),
        coco=as_coco2017(mini, root / 'coco'),
        classes=write_colored_classes(root / 'classes', train=2, val=1))


def data_of(cfg):
    """Name of the set that a config wants."""
    if cfg.default_scope == 'mmdet' and not cfg.get('data_form'):
        return 'voc0712' if cfg.val_evaluator.type == 'VOCMetric' else 'coco'
    text = str(cfg.to_dict())
    if cfg.get('data_form') or f'{cfg.data_root}/classify/' in text:
        return 'mini'
    return 'classes' if f'{cfg.data_root}/val' in text else 'images'


def run(path, data_root, work_dir, **kwargs):
    """Train a step; returns the runner, its checkpoint and the last values that were logged."""
    runner = train_config(path, work_dir, [f'data_root={data_root}'], **kwargs)
    lines = logged_lines(work_dir)
    trained = [line for line in lines if 'loss' in line]
    assert trained and all(math.isfinite(value) for line in trained for value in line.values())
    last = Path((work_dir / 'last_checkpoint').read_text())
    assert last.parent == work_dir
    saved = read_file(last)
    assert saved['optimizer']['state']
    return runner, saved['state_dict'], trained[0] | lines[-1]


def step_of_pretraining(path, sets, work_dir):
    cfg = Config.fromfile(path)
    runner, state, logged = run(path, sets[data_of(cfg)], work_dir)
    assert ('loss_jigsaw' in logged) == (cfg.model.get('jigsaw_neck') is not None)
    for name, position in state.items():
        if name.endswith('memory.position'):
            assert position == 4 * len(runner.train_dataloader) % 64
    if [hook for hook in cfg.get('custom_hooks', ()) if hook.type == 'KNNHook']:
        curve = json.loads((work_dir / 'knn.json').read_text())
        assert [point['epoch'] for point in curve] == [0, 1]
        assert all(0 <= point['test'] <= 100 for point in curve)

    # by the batch's statistics: a deep trunk that runs by those of a single step overflows
    model = runner.model.train()
    batch = model.data_preprocessor(next(iter(runner.train_dataloader)))
    with torch.no_grad():
        if isinstance(batch, dict):
            features = model(**batch, mode='tensor')
        else:  # mmselfsup's preprocessor and feature maps
            features = model(*batch, mode='tensor')[-1].mean(dim=(2, 3))
    assert features.ndim == 2 and len(features) == 4 and features.isfinite().all()


def step_of_detection(path, sets, work_dir):
    cfg = Config.fromfile(path)
    assert cfg.test_evaluator == cfg.val_evaluator and cfg.test_dataloader == cfg.val_dataloader
    _, _, logged = run(path, sets[data_of(cfg)], work_dir)
    assert ('loss_mask' in logged) or 's0.loss_mask' in logged or 'voc' in path.stem
    names = ([f'pascal_voc/{name}' for name in ('mAP', 'AP50', 'AP75')]
             if cfg.val_evaluator.type == 'VOCMetric'
             else [f'coco/{name}_mAP' for name in cfg.val_evaluator.metric])
    assert all(0 <= logged[name] <= 1 for name in names)


def step_of_classification(path, sets, work_dir):
    cfg = Config.fromfile(path)
    assert cfg.test_evaluator == cfg.val_evaluator and cfg.test_dataloader == cfg.val_dataloader
    root = sets['classes']
    if cfg.train_dataloader.dataset.type == 'CachedFeatures':
        images = Config.fromfile(write_tiny(CONFIGS[LINEAR], work_dir / 'images'))
        images.merge_from_dict(dict(data_root=str(root), pretrained='random'))
        root = work_dir / 'features'
        cache_features(images, root)
    _, state, logged = run(path, root, work_dir / 'work', pretrained='random')
    assert state['head.fc.weight'].shape[0] == 6
    assert all(0 <= logged[f'accuracy/top{k}'] <= 100 for k in (1, 5))


def read_out_of_a_trunk(path, sets, work_dir):
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(dict(data_root=str(sets[data_of(cfg)]), pretrained='random'))
    scores, initialisation = read_out_trunk(cfg)
    assert set(scores) == {f'{method} {name}' for method in cfg.read_out.methods
                           for name in cfg.read_out.queries}
    assert all(0 <= score <= 100 for score in scores.values())
    assert initialisation == dict(method='random')


def kind_of(cfg):
    """What a config is for, by what it says."""
    if cfg.model.type == 'TrunkFeatures':
        return read_out_of_a_trunk
    if cfg.model.type.endswith('Classifier'):
        return step_of_classification
    return step_of_detection if cfg.default_scope == 'mmdet' else step_of_pretraining


@pytest.mark.parametrize('name', CONFIGS)
def test_a_step(name, sets, tmp_path):
    path = write_tiny(CONFIGS[name], tmp_path / 'config')
    kind_of(Config.fromfile(path))(path, sets, tmp_path / 'work')


@pytest.mark.parametrize('name', [INFOMIN, MOCOV2])
def test_pretraining_with_photometry_on_the_device(name, images, tmp_path):
    path = write_tiny(CONFIGS[name], tmp_path / 'config')
    train_config(path, tmp_path / 'work', [f'data_root={images}', 'photometry=device'])
    (line, ) = logged_lines(tmp_path / 'work')
    assert math.isfinite(line['loss'])
    dumped = Config.fromfile(tmp_path / 'work' / path.name)
    assert len(dumped.model.data_preprocessor.recipes.views) == 2
    steps = dumped.train_dataloader.dataset.pipeline[1].views.recipe
    assert [step.type for step in steps] == ['RandomResizedCrop', 'RandomFlip']

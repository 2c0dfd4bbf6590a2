"""Every config of learned views takes steps on the CPU, at reduced size; how they differ."""

from pathlib import Path

import numpy as np
import pytest
import torch
from config_runs import unformatted
from image_sets import write_folder_set
from mmengine.config import Config
from stl10_files import write_stl10

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.engine.chains.view_learning_rows import read_row
from infomin_plugin.engine.measures.read_out import read_out

FOLDER = Path(__file__).parents[2] / 'configs' / 'view_learning'
CONFIGS = {path.stem: path for path in sorted(FOLDER.glob('*.py'))}
LEARNING = [name for name in CONFIGS if not name.startswith('contrast')]
RAW = [f'contrast_{space}_{data}' for space in ('rgb', 'ydbdr') for data in ('stl10', 'cutouts')]
STEPS, BATCH = 2, 8
WIDTH = 8  # with fewer channels innermost torch 2.0.1 corrupts its heap on CPUs without AVX-512


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """A set in either form: STL-10's files, and folders of three classes."""
    root = tmp_path_factory.mktemp('sets')
    write_stl10(root / 'stl10')
    write_folder_set(root / 'cutouts')
    return root


def small(name, sets, work_dir, **options):
    """A config of two steps, narrow, on a small set."""
    cfg = Config.fromfile(CONFIGS[name])
    cfg.work_dir, cfg.launcher = str(work_dir), 'none'
    loader = {'train_dataloader.batch_size': BATCH, 'train_dataloader.num_workers': 0,
              'train_dataloader.persistent_workers': False, 'train_cfg.max_iters': STEPS,
              'default_hooks.logger.interval': 1,
              'data_root': str(sets / name.rsplit('_', 1)[1])}
    if name.startswith('semi'):
        loader['train_dataloader.sampler.batch_size'] = BATCH
    cfg.merge_from_dict(loader | options)
    for part in (*(cfg.model.encoders[key].backbone for key in ('encoder1', 'encoder2')),
                 *((cfg.model.classifiers[key] for key in ('backbone1', 'backbone2'))
                   if cfg.model.get('classifiers') else ())):
        part.base_channels = part.stem_channels = WIDTH
    for key in ('encoder1', 'encoder2'):
        cfg.model.encoders[key].neck.in_channels = 8 * WIDTH
    if cfg.model.get('classifiers'):
        cfg.model.classifiers.in_channels = 8 * WIDTH
    return unformatted(cfg)


def train(cfg):
    """Run and return the state at the end and the last logged values."""
    runner = InfoMinRunner.from_cfg(cfg)
    runner.train()
    values = {key.removeprefix('train/'): buffer.current()
              for key, buffer in runner.message_hub.log_scalars.items()}
    return read_file(Path(cfg.work_dir) / f'iter_{STEPS}.pth')['state_dict'], values


def test_they_are_all_there():
    regimes, spaces = ('unsupervised', 'semi-supervised', 'supervised'), ('rgb', 'ydbdr')
    expected = {f'{kind}_{space}_{flow}_{data}' for kind in (*regimes, 'contrast')
                for space in spaces for flow in ('vp', 'nvp') for data in ('stl10', 'cutouts')}
    assert set(CONFIGS) == expected | set(RAW)


@pytest.mark.parametrize('name', LEARNING)
def test_views_are_learned_and_contrasted(name, sets, tmp_path):
    regime, space, flow, data = name.split('_')
    cfg = small(name, sets, tmp_path / 'learning')
    state, logged = train(cfg)
    expected = {'i_nce', 'i_nce_max', 'log_det_min', 'log_det_max', 'z0_std', 'grad_norm'}
    expected |= {'acc1', 'acc2'} if regime != 'unsupervised' else set()
    assert expected <= set(logged) and np.isfinite(list(logged.values())).all()
    assert logged['i_nce_max'] == pytest.approx(np.log(BATCH))
    assert (logged['log_det_max'] == logged['log_det_min'] == 0) == (flow == 'vp')
    if regime != 'unsupervised':
        assert state['classifiers.fc1.weight'].shape[0] == (10 if data == 'stl10' else 3)

    row = read_row(CONFIGS[name])
    assert (row.regime, row.space.lower(), row.flow) == (regime, space, flow)
    assert row.published != '–' and row.contrast.is_file()
    if regime != 'semi-supervised':
        return  # all three go on with the same config
    learned = tmp_path / 'learning' / f'iter_{STEPS}.pth'
    frozen, logged = train(small(
        row.contrast.stem, sets, tmp_path / 'contrast',
        **{'model.generator.init_cfg.checkpoint': str(learned)}))
    generator = [key for key in state if key.startswith('generator.')]
    assert len(generator) > 10 and all(torch.equal(state[key], frozen[key]) for key in generator)
    assert np.isfinite(logged['i_nce'])


@pytest.mark.parametrize('name', RAW)
def test_raw_views_are_contrasted_and_read_out(name, sets, tmp_path):
    cfg = small(name, sets, tmp_path)
    _, logged = train(cfg)
    assert np.isfinite(logged['i_nce'])
    row = read_row(CONFIGS[name])
    assert (row.regime, row.flow, row.learning) == ('raw', '–', None)
    cfg.read_out.inverse_penalty = 0.01  # the sets are too small to choose
    scores = read_out(cfg, tmp_path / f'iter_{STEPS}.pth')
    assert set(scores) == {'test'} and 0 <= scores['test'] <= 100


@pytest.mark.parametrize('data', ['stl10', 'cutouts'])
def test_regimes_differ_in_labels_and_weights(data):
    unsupervised, semi, supervised = (
        Config.fromfile(CONFIGS[f'{regime}_rgb_vp_{data}'])
        for regime in ('unsupervised', 'semi-supervised', 'supervised'))
    assert 'classifiers' not in unsupervised.model
    assert [cfg.model.contrast_weight for cfg in (unsupervised, semi, supervised)] == [1, 1, 0]
    assert semi.train_dataloader.sampler.source_ratio == [1, 3]
    assert semi.train_dataloader.sampler.batch_size == semi.train_dataloader.batch_size
    labelled, unlabelled = semi.train_dataloader.dataset.datasets
    assert supervised.train_dataloader.dataset == labelled
    assert unsupervised.train_dataloader.dataset == unlabelled
    for key in ('encoders', 'generator', 'temperature'):
        assert unsupervised.model[key] == semi.model[key] == supervised.model[key]


@pytest.mark.parametrize('name', [name for name in CONFIGS if name.startswith('contrast')])
def test_raw_and_learned_views_meet_the_same_encoders(name):
    reference = Config.fromfile(CONFIGS[f'contrast_rgb_{name.rsplit("_", 1)[1]}'])
    cfg = Config.fromfile(CONFIGS[name])
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'read_out'):
        assert cfg[key] == reference[key]
    assert cfg.model.encoders == reference.model.encoders
    if 'init_cfg' in cfg.model.generator:
        learned = Path(cfg.model.generator.init_cfg.checkpoint)
        learning = Config.fromfile(CONFIGS[learned.parent.name])
        assert learning.contrast == f'{name}.py'
        assert learned.stem == f'iter_{learning.train_cfg.max_iters}'
        assert {key: value for key, value in cfg.model.generator.items() if key != 'init_cfg'} == (
            learning.model.generator.to_dict())

"""Every config of the sweet spot takes steps on the CPU, at reduced size; what is varied counts."""

from pathlib import Path

import numpy as np
import pytest
from config_runs import unformatted
from image_sets import write_folder_set
from mmengine.config import Config
from stl10_files import write_stl10

from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.engine.chains.experiments import read_experiment
from infomin_plugin.engine.chains.sweeps import read_sweep
from infomin_plugin.engine.measures.mutual_information import measure_mutual_information
from infomin_plugin.engine.measures.read_out import read_out

FOLDER = Path(__file__).parents[2] / 'configs' / 'sweet_spot'
CONFIGS = {path.stem: path for path in sorted(FOLDER.glob('*.py'))}
SWEEPS = [name for name in CONFIGS if 'supervised' not in name and 'learned' not in name]
SUPERVISED = [name for name in CONFIGS if 'supervised' in name]
LEARNED = [name for name in CONFIGS if name.startswith(('adversarial', 'learned'))]
STEPS, BATCH = 2, 8
WIDTH = 8  # with fewer channels innermost torch 2.0.1 corrupts its heap on CPUs without AVX-512


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """A set in either form, and both roots that hold more than one."""
    root = tmp_path_factory.mktemp('sets')
    write_stl10(root / 'stl10')
    write_folder_set(root / 'cutouts')
    (root / 'all').mkdir()
    (root / 'all' / 'stl10_binary').symlink_to(root / 'stl10')
    for split in ('train', 'valid'):
        write_folder_set(root / split, scene=(450, 460))
        (root / 'all' / 'DIV2K').mkdir(exist_ok=True)
        (root / 'all' / 'DIV2K' / f'DIV2K_{split}_HR').symlink_to(root / split / 'pretrain')
    return root


def small(name, sets, work_dir, **options):
    """A config of two steps, narrow, on a small set."""
    cfg = Config.fromfile(CONFIGS[name])
    cfg.work_dir, cfg.launcher = str(work_dir), 'none'
    data = name.rsplit('_', 1)[1]
    if data == 'div2k' or (data == 'stl10' and name.startswith('moving')):
        data = 'all'
    settings = {'train_dataloader.batch_size': BATCH, 'train_dataloader.num_workers': 0,
                'train_dataloader.persistent_workers': False, 'train_cfg.max_iters': STEPS,
                'default_hooks.logger.interval': 1, 'data_root': str(sets / data)}
    if 'sampler' in cfg.train_dataloader and 'batch_size' in cfg.train_dataloader.sampler:
        settings['train_dataloader.sampler.batch_size'] = BATCH
    if cfg.get('read_out'):
        settings |= {'read_out.inverse_penalty': 0.01, 'read_out.bank.num_workers': 0}
        settings |= {f'read_out.queries.{test}.num_workers': 0 for test in cfg.read_out.queries}
        if 'length' in cfg.read_out.bank.dataset:
            settings |= {'read_out.bank.dataset.length': 30,
                         'read_out.queries.test.dataset.length': 10}
    if cfg.get('mutual_information'):
        settings |= {'mutual_information.num_workers': 0, 'mutual_information.candidates': 8}
        if 'length' in cfg.mutual_information.dataset:
            settings['mutual_information.dataset.length'] = 10
    cfg.merge_from_dict(settings | options)
    encoders = cfg.model.get('encoders', {})
    for part in (encoders, *(encoders.get(key, {}) for key in ('encoder1', 'encoder2'))):
        if 'backbone' in part:
            part.backbone.base_channels = part.backbone.stem_channels = WIDTH
            part.neck.in_channels = 8 * WIDTH
    return unformatted(cfg)


def train(cfg):
    runner = InfoMinRunner.from_cfg(cfg)
    runner.train()
    values = {key.removeprefix('train/'): buffer.current()
              for key, buffer in runner.message_hub.log_scalars.items()}
    assert np.isfinite(values['loss'])
    return Path(cfg.work_dir) / f'iter_{STEPS}.pth'


def test_they_are_all_there():
    ways = ('patch-distance', 'frequency', 'color-space', 'crop-scale', 'color-jitter',
            'adversarial-weight', 'moving-mnist')
    for way in ways:
        found = {name.split('_')[1] for name in CONFIGS if name.startswith(f'{way}_')}
        assert found == {'cutouts', 'div2k' if way == 'patch-distance' else 'stl10'}


@pytest.mark.parametrize('name', [name for name in SWEEPS if name not in LEARNED])
def test_views_are_contrasted_measured_and_read_out(name, sets, tmp_path):
    cfg = small(name, sets, tmp_path)
    checkpoint = train(cfg)
    found = measure_mutual_information(cfg, checkpoint)
    assert np.isfinite(found.i_nce) and found.candidates == 8
    scores = read_out(cfg, checkpoint)
    tasks = {'digit test', 'background test', 'position test error'}
    assert set(scores) == (tasks if name.startswith('moving') else {'test'})


@pytest.mark.parametrize('name', SUPERVISED)
def test_factors_are_learned_from_labels(name, sets, tmp_path):
    cfg = small(name, sets, tmp_path)
    assert cfg.model.factor == name.split('_')[0].rsplit('-', 1)[1]
    scores = read_out(cfg, train(cfg))
    assert 'position test error' in scores and not cfg.mutual_information


@pytest.mark.parametrize('data', ['stl10', 'cutouts'])
def test_learned_views_are_measured(data, sets, tmp_path):
    experiment = read_experiment(CONFIGS[f'adversarial-weight_{data}'])
    assert experiment.contrast == CONFIGS[f'learned-views_{data}']
    cfg = small(f'adversarial-weight_{data}', sets, tmp_path / 'learning')
    runner = InfoMinRunner.from_cfg(cfg)
    runner.train()
    frozen = small(f'learned-views_{data}', sets, tmp_path / 'contrast', **{
        'model.generator.init_cfg.checkpoint': str(tmp_path / 'learning' / f'iter_{STEPS}.pth')})
    assert np.isfinite(measure_mutual_information(frozen, train(frozen)).i_nce)


def leaves(value, key=''):
    """What a config says, by dotted key; lists of anything but dicts are one."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        parts = enumerate(value)
    else:
        return {key: value}
    return {name: leaf for word, part in parts
            for name, leaf in leaves(part, f'{key}.{word}' if key else word).items()}


@pytest.mark.parametrize('name', SWEEPS)
def test_each_value_changes_what_is_trained_and_nothing_else(name):
    sweep = read_sweep(CONFIGS[name])
    assert len(sweep.experiments) >= 5 and sweep.label
    stage = 'learning' if name in LEARNED else 'contrast'
    said = [leaves(experiment.config(stage).to_dict())
            for experiment in sweep.experiments.values()]
    assert len(set(map(str, said))) == len(said)
    if all(set(each) == set(said[0]) for each in said):
        differing = [key for key in said[0] if len({str(each[key]) for each in said}) > 1]
        assert differing == [key.removeprefix('learning.') for key in sweep.keys]

"""What the watch measures, and that it disturbs nothing."""

import math
from pathlib import Path

import pytest
import torch
from config_runs import run_config, train_config
from tiny_configs import write_tiny
from torch.nn import functional as F

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import CollapseWatchHook
from infomin_plugin.engine.hooks.collapse_watch import embedding_std

CONFIGS = Path(__file__).parents[3] / 'configs'
OFTEN = 'run_hooks.collapse_watch.interval=1'


def small(data, *options):
    return [f'data_root={data}', 'train_dataloader.batch_size=2', 'custom_hooks=[]', *options]


def test_embedding_std_of_known_vectors():
    generator = torch.Generator().manual_seed(0)
    anywhere = F.normalize(torch.randn(20000, 32, generator=generator), dim=1)
    assert embedding_std(anywhere) == pytest.approx(1, abs=0.01)
    assert embedding_std(anywhere[:1].expand(5, -1)) == 0
    # one dimension of four varies: ±1, whose deviation is sqrt(N / (N - 1)); 1/4 · sqrt(4)
    line = torch.tensor([[1., 0, 0, 0], [-1., 0, 0, 0]])
    assert embedding_std(line) == pytest.approx(math.sqrt(2) / 2)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return write_tiny(CONFIGS / 'demo/infomin_r18_images.py', tmp_path_factory.mktemp('config'))


def test_the_log_has_the_deviation_of_the_newest_keys(images, tmp_path, config):
    lines = run_config(config, tmp_path, small(images, OFTEN, 'model.memory.length=4'))
    assert [line['step'] for line in lines] == [1, 2, 3]
    memory = read_file(tmp_path / 'epoch_1.pth')['state_dict']
    keys, position = memory['memory.keys'], int(memory['memory.position'])
    assert position == 2  # 3 batches of 2 in 4 places
    newest, oldest = keys[:2].double(), keys[2:].double()
    # of two vectors: half their distance along a dimension, times sqrt(2)
    expected = ((newest[0] - newest[1]).abs().mean() / math.sqrt(2) * math.sqrt(keys.size(1)))
    assert lines[-1]['embedding_std'] == pytest.approx(float(expected), rel=1e-4)
    # the squared distance of the means, by the sum of the variances of both means
    variance = sum((pair[0] - pair[1]).square().sum() / 2 / 2 for pair in (newest, oldest))
    drift = ((newest.mean(0) - oldest.mean(0)).square().sum() / variance).sqrt()
    assert lines[-1]['queue_drift'] == pytest.approx(float(drift), rel=1e-4)
    assert 'queue_drift' not in lines[0]  # the oldest keys are random still
    (log, ) = tmp_path.glob('*/*.log')
    assert 'KeyQueue of 4 keys: the oldest is 2 steps old' in log.read_text()


def test_it_disturbs_nothing(images, tmp_path, config):
    for name, option in (('with', OFTEN), ('without', 'run_hooks.collapse_watch=None')):
        train_config(config, tmp_path / name, small(images, option))
    watched, alone = (read_file(tmp_path / name / 'epoch_1.pth')['state_dict']
                      for name in ('with', 'without'))
    assert all(watched[name].equal(tensor) for name, tensor in alone.items())


def test_embeddings_that_are_all_alike_are_warned_of(images, tmp_path, config):
    """A threshold that no embedding reaches."""
    options = small(images, OFTEN, 'run_hooks.collapse_watch.patience=2',
                    'run_hooks.collapse_watch.threshold=5', 'train_cfg.max_epochs=2')
    train_config(config, tmp_path, options)
    (log, ) = tmp_path.glob('*/*.log')
    warnings = [line for line in log.read_text().splitlines() if 'have collapsed' in line]
    assert len(warnings) == 3  # of six looks, each second
    assert 'below 5 at 2 looks in a row, 1 iterations apart' in warnings[0]


def test_views_without_a_memory_are_watched_too(mini, tmp_path):
    config = write_tiny(CONFIGS / 'view_learning/unsupervised_rgb_vp_cutouts.py', tmp_path)
    lines = run_config(config, tmp_path / 'work', small(
        mini, OFTEN, 'train_cfg.max_iters=2', 'train_dataloader.batch_size=4',
        'train_dataloader.dataset.pipeline.1.views.recipe.0.size=16'))
    assert all(0 < line['embedding_std'] < 1.5 for line in lines) and len(lines) == 2
    assert not any('queue_drift' in line for line in lines)


def test_settings_out_of_range_are_refused():
    for wrong in (dict(interval=0), dict(patience=0), dict(threshold=-1)):
        with pytest.raises(ValueError, match='must be'):
            CollapseWatchHook(**wrong)

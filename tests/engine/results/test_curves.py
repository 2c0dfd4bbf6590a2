"""Curves of pre-trainings, by row, mean over seeds."""

import json

import pytest
from mmengine.config import Config
from work_dir_files import write_start

from infomin_plugin.engine.results.curves import read_knn_curves


def pretraining(root, method, seed, points, epochs=4):
    work_dir = root / f'{method}-{seed}-{epochs}'
    write_start(work_dir, Config(dict(
        method=method, train_cfg=dict(max_epochs=epochs), randomness=dict(seed=seed),
        load_from=None, resume=False)), '20260101_000000')
    (work_dir / 'knn.json').write_text(json.dumps(
        [dict(epoch=epoch, test=value, unseen=value / 2) for epoch, value in points.items()]))


def test_the_mean_of_seeds_in_the_order_of_the_tables(tmp_path):
    pretraining(tmp_path, 'InfoMin', 0, {0: 10., 2: 20., 4: 40.})
    pretraining(tmp_path, 'InfoMin', 1, {0: 20., 4: 50.})
    pretraining(tmp_path, 'InstDis', 0, {0: 10., 4: 12.})
    pretraining(tmp_path, 'InfoMin', 0, {0: 10., 8: 60.}, epochs=8)
    pretraining(tmp_path, 'MoCo', 0, {0: 10., 2: 12.})  # not finished
    curves = read_knn_curves([tmp_path])
    assert list(curves) == ['InstDis, 4 epochs', 'InfoMin, 4 epochs', 'InfoMin, 8 epochs']
    assert curves['InfoMin, 4 epochs'] == [dict(epoch=0, test=15., unseen=7.5),
                                           dict(epoch=4, test=45., unseen=22.5)]
    assert curves['InfoMin, 8 epochs'][-1] == dict(epoch=8, test=60., unseen=30.)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_knn_curves([tmp_path / 'nowhere'])

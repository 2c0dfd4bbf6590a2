"""Curves of pre-trainings, by row, mean over seeds."""

import pytest
from work_dir_files import write_pretraining

from infomin_plugin.engine.results.curves import mean_curves, read_knn_curves


def test_the_mean_of_seeds_in_the_order_of_the_tables(tmp_path):
    write_pretraining(tmp_path, 'InfoMin', 0, {0: 10., 2: 20., 4: 40.})
    write_pretraining(tmp_path, 'InfoMin', 1, {0: 20., 4: 50.})
    write_pretraining(tmp_path, 'InstDis', 0, {0: 10., 4: 12.})
    write_pretraining(tmp_path, 'InfoMin', 0, {0: 10., 8: 60.}, epochs=8)
    write_pretraining(tmp_path, 'MoCo', 0, {0: 10., 2: 12.})  # not finished
    curves = mean_curves(read_knn_curves([tmp_path]))
    assert list(curves) == ['InstDis, 4 epochs', 'InfoMin, 4 epochs', 'InfoMin, 8 epochs']
    assert curves['InfoMin, 4 epochs'] == [dict(epoch=0, test=15., unseen=7.5),
                                           dict(epoch=4, test=45., unseen=22.5)]
    assert curves['InfoMin, 8 epochs'][-1] == dict(epoch=8, test=60., unseen=30.)


def test_a_seed_that_was_run_again_counts_once(tmp_path):
    write_pretraining(tmp_path / 'a', 'InfoMin', 0, {0: 10., 4: 40.})
    write_pretraining(tmp_path / 'b', 'InfoMin', 0, {0: 10., 4: 60.})
    curves = mean_curves(read_knn_curves([tmp_path / 'a', tmp_path / 'b']))
    assert curves == {'InfoMin, 4 epochs': [dict(epoch=0, test=10., unseen=5.),
                                            dict(epoch=4, test=60., unseen=30.)]}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_knn_curves([tmp_path / 'nowhere'])

import shlex

import pytest

from infomin_plugin.engine.chains.launchers import Launcher


@pytest.mark.parametrize('launcher, train, test, measure', [
    (Launcher('none', 0), 'python tools/train.py C --a b', 'python tools/test.py C K --a b',
     'python tool.py C'),
    (Launcher('none', 1), 'python tools/train.py C --a b', 'python tools/test.py C K --a b',
     'python tool.py C'),
    (Launcher('pytorch', 4), 'tools/dist_train.sh C 4 --a b', 'tools/dist_test.sh C K 4 --a b',
     'python tool.py C'),
    (Launcher('slurm', 16, 'p'), 'env GPUS=16 tools/slurm_train.sh p job C --a b',
     'env GPUS=16 tools/slurm_test.sh p job C K --a b',
     'srun --partition p --job-name job --gres gpu:1 --cpus-per-task 12 python -u tool.py C'),
])
def test_commands(launcher, train, test, measure):
    assert shlex.join(launcher.train('job', 'C', ['--a', 'b'])) == train
    assert shlex.join(launcher.test('job', 'C', 'K', ['--a', 'b'])) == test
    assert shlex.join(launcher.measure('job', ['tool.py', 'C'])) == measure


@pytest.mark.parametrize('settings, words', [
    (('mpi', 1), "launcher must be one of none, pytorch, slurm, got 'mpi'"),
    (('none', -1), 'gpus must not be negative, got -1'),
    (('none', 2), "launcher 'none' is one process, but gpus is 2"),
    (('pytorch', 0), "launcher 'pytorch' starts a process a GPU, but gpus is 0"),
    (('slurm', 0, 'p'), "launcher 'slurm' starts a process a GPU, but gpus is 0"),
    (('slurm', 8), "which needs one: launcher is 'slurm', partition None"),
    (('pytorch', 8, 'p'), "a partition is for launcher 'slurm'"),
])
def test_contradictions_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Launcher(*settings)

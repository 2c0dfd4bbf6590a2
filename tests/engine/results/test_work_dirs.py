"""How far a training came, against logs that MMEngine wrote, with and without its iterations."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner
from work_dir_files import detection_config, write_start

from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.engine.results.work_dirs import find_work_dirs, validations


class Line(BaseModel):
    """A model of one weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs, mode):
        return dict(loss=self.weight.sum()) if mode == 'loss' else [dict()]


class Count(BaseMetric):
    """The iteration at which it was asked, so that the log itself says what is right.

    Fails where it is asked for the ``fails_at``-th time.
    """
    default_prefix = 'coco'
    runner = None

    def __init__(self, fails_at=None):
        super().__init__()
        self.left = fails_at

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        if self.left:
            self.left -= 1
            if not self.left:
                raise InterruptedError
        return {'bbox_mAP': float(self.runner.iter)}


def train(work_dir, runner=Runner, fails_at=None, resume=False, log=2, log_level='ERROR',
          **train_cfg):
    """Train a start of a run, whose folder is called by its number: two may begin in a second."""
    number = len(list(work_dir.glob('start*')))
    metric = Count(fails_at)
    loader = torch.utils.data.DataLoader([dict(inputs=0)] * 2)
    train_cfg = dict(type='ResumableIterLoop') | train_cfg
    hooks = dict(logger=dict(type='LoggerHook', interval=log),
                 checkpoint=dict(type='CheckpointHook', interval=train_cfg['val_interval'],
                                 by_epoch=False))
    runner = runner(
        model=Line(), work_dir=str(work_dir), train_dataloader=loader, val_dataloader=loader,
        train_cfg=train_cfg, val_cfg=dict(), val_evaluator=Evaluator(metric),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), default_scope='infomin_plugin',
        default_hooks=hooks, log_processor=dict(by_epoch=False), log_level=log_level,
        resume=resume, cfg=Config(dict(train_cfg=train_cfg, default_hooks=hooks, resume=resume,
                                       train_dataloader=dict(batch_size=6))),
        experiment_name=f'{work_dir}{number}')
    metric.runner = runner
    if fails_at:
        with pytest.raises(InterruptedError):
            runner.train()
    else:
        runner.train()
    start = work_dir / f'start{number}'
    shutil.move(runner.log_dir, start)
    shutil.move(start / f'{runner.timestamp}.log', start / f'{start.name}.log')


def dated(work_dir):
    """Iterations of the validations as they are read, and as they were."""
    (work, ), unreadable = find_work_dirs([work_dir])
    assert not unreadable and not work.tests and not work.replaced
    found = list(validations(work.training))
    return [step for step, _ in found], [line['coco/bbox_mAP'] for _, line in found]


@pytest.mark.parametrize('runner', [Runner, InfoMinRunner])
@pytest.mark.parametrize(('interval', 'length'), [(3, 7), (4, 8)])
def test_iterations_of_validations(interval, length, runner, tmp_path):
    train(tmp_path, runner, max_iters=length, val_interval=interval)
    found, true = dated(tmp_path)
    assert found == true and found[-1] == length


@pytest.mark.parametrize('runner', [Runner, InfoMinRunner])
@pytest.mark.parametrize(('fails_at', 'interval', 'length'), [
    (2, 3, 6), (3, 3, 7), (2, 4, 8),  # in the last validation
    (1, 4, 8), (2, 3, 9)])  # in one before
def test_iterations_where_a_validation_failed(fails_at, interval, length, runner, tmp_path):
    cfg = dict(max_iters=length, val_interval=interval)
    train(tmp_path, runner, fails_at=fails_at, **cfg)
    train(tmp_path, runner, resume=True, **cfg)
    train(tmp_path, runner, resume=True, **cfg)  # only validates, once more
    found, true = dated(tmp_path)
    assert found == true and found[-1] == length and len(found) > length // interval


def test_a_training_that_was_killed_just_before_its_end(tmp_path):
    # the last loss is that of iteration 8, of 10 that are logged in twos
    for number, resume in enumerate([False, True]):
        train(tmp_path, resume=resume, max_iters=10, val_interval=5)
        log = tmp_path / f'start{number}' / 'vis_data' / 'scalars.json'
        lines = [line for line in log.read_text().splitlines()
                 if '"coco/bbox_mAP": 10.0' not in line and '"iter": 10' not in line]
        log.write_text(''.join(f'{line}\n' for line in lines))
        (tmp_path / 'iter_10.pth').unlink(missing_ok=True)
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_5.pth'))
    found, true = dated(tmp_path)
    assert found == true == [5, 5]


@pytest.mark.parametrize('runner', [Runner, InfoMinRunner])
def test_a_resumed_start_that_ended_before_its_first_loss(runner, tmp_path):
    # checkpoints and validations at 20, 40, 60; losses are logged at 8, 16, …
    cfg = dict(max_iters=60, val_interval=20, log=8)
    train(tmp_path, runner, fails_at=2, **cfg)
    train(tmp_path, runner, resume=True, **cfg)
    # what it logged before its first loss
    log = tmp_path / 'start1' / 'vis_data' / 'scalars.json'
    log.write_text(log.read_text().splitlines(keepends=True)[0])
    found, true = dated(tmp_path)
    assert found == true == [20, 40]


def test_the_number_of_processes_is_in_the_log(tmp_path):
    train(tmp_path, log_level='INFO', max_iters=2, val_interval=2)
    (work, ), _ = find_work_dirs([tmp_path])
    start, = work.training
    assert start.whole_batch == 6  # one process
    log = start.folder / 'start0.log'
    log.write_text(log.read_text().replace('GPU number: 1', 'GPU number: 4'))
    assert start.whole_batch == 24
    log.unlink()
    assert start.whole_batch is None


def test_a_resumed_training_is_one(tmp_path):
    first = detection_config(train_cfg__max_epochs=4)
    write_start(tmp_path, first, '20260101_000000', lines=[
        dict(loss=1.0, epoch=1, iter=5), {'coco/bbox_mAP': 0.1, 'step': 1}])
    first.resume = True
    write_start(tmp_path, first, '20260101_000100', lines=[
        dict(loss=1.0, epoch=2, iter=10), {'coco/bbox_mAP': 0.2, 'step': 4}])
    (work, ), _ = find_work_dirs([tmp_path, tmp_path.parent / tmp_path.name])
    assert [step for step, _ in validations(work.training)] == [1, 4]
    assert not work.replaced


def test_another_training_in_the_same_folder_replaces_the_first(tmp_path):
    for time in ('20260101_000000', '20260101_000100'):
        write_start(tmp_path, detection_config(), time, lines=[dict(loss=1.0)])
    (work, ), _ = find_work_dirs([tmp_path])
    assert [start.folder.name for start in work.training] == ['20260101_000100']
    assert [start.folder.name for start in work.replaced] == ['20260101_000000']


def test_a_log_cut_in_the_middle_of_a_line(tmp_path):
    folder = write_start(tmp_path, detection_config(), '20260101_000000',
                         lines=[{'coco/bbox_mAP': 0.1, 'step': 6}])
    log = folder / 'vis_data' / 'scalars.json'
    log.write_text(log.read_text() + json.dumps(dict(loss=1.0))[:5])
    (work, ), _ = find_work_dirs([tmp_path])
    assert [step for step, _ in validations(work.training)] == [6]


def test_the_seed_is_the_one_that_was_drawn(tmp_path):
    config = detection_config(seed=None)
    folder = write_start(tmp_path, config, '20260101_000000', lines=[dict(loss=1.0)])
    (folder / '20260101_000000.log').write_text('    numpy_random_seed: 3\n    seed: 1234\n')
    (work, ), _ = find_work_dirs([tmp_path])
    assert work.training[0].seed == 1234


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        find_work_dirs([tmp_path / 'nowhere'])

"""Trainings of a linear layer: everything of a run but the arithmetic, in milliseconds a step."""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, RUNNERS, DefaultScope
from mmengine.runner import Runner
from torch import nn

_numbers = itertools.count()
SAMPLES, BATCH = 8, 2


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    """Predicts a number from three."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.layer = nn.Linear(3, size)

    def forward(self, values, mode='tensor'):
        """Loss, or the error of each sample."""
        error = self.layer(torch.stack(values)).square().mean(1)
        return dict(loss=error.mean()) if mode == 'loss' else [dict(error=each) for each in error]


@DATASETS.register_module(force=True)
class ToyData(torch.utils.data.Dataset):
    """Eight samples."""

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        return dict(values=torch.tensor([index, 1., -index]))


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    """One score a validation, given in advance."""

    def __init__(self, scores) -> None:
        super().__init__()
        self.scores = iter(scores)

    def process(self, data_batch, data_samples):
        """Count nothing."""
        self.results.append(0)

    def compute_metrics(self, results):
        """Take the next score."""
        return dict(score=next(self.scores))


def signal_family(number: signal.Signals) -> None:
    """Signal this process and its workers, each by its id, as another process does.

    torch's workers forgive what their parent sends.
    """
    own = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
    assert all(pid > 1 for pid in own)
    other = multiprocessing.get_context('fork').Process(
        target=lambda: [os.kill(pid, number) for pid in own])
    other.start()
    other.join()


@HOOKS.register_module(force=True)
class SignalHook(Hook):
    """Sends signals to this process, or to its workers too, within a step."""

    def __init__(self, at, signals=('SIGTERM', ), rank=0, workers=False) -> None:
        self.at, self.signals, self.rank = at, [signal.Signals[name] for name in signals], rank
        self.send = signal_family if workers else signal.raise_signal

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        """Send them."""
        if runner.iter == self.at and runner.rank == self.rank:
            for each in self.signals:
                self.send(each)


def toy_config(work_dir: Path, epochs: int = 2, scores=None, checkpoint=None, **changes) -> Config:
    """Four steps an epoch; ``scores`` of its validations, ``checkpoint`` settings of the hook."""
    loader = dict(
        dataset=dict(type='ToyData'), sampler=dict(type='DefaultSampler', shuffle=True),
        batch_size=BATCH, num_workers=0)
    cfg = dict(
        runner_type='infomin_plugin.InfoMinRunner', default_scope='infomin_plugin',
        experiment_name=f'toy_{next(_numbers)}_{os.getpid()}', work_dir=str(work_dir),
        log_level='INFO', randomness=dict(seed=1), model=dict(type='ToyModel'),
        train_dataloader=loader, train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
        param_scheduler=dict(type='LinearLR', by_epoch=False, end=8),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1) | (checkpoint or {})))
    if scores is not None:
        cfg |= dict(val_dataloader=loader, val_cfg={},
                    val_evaluator=dict(type='ToyMetric', scores=list(scores)))
    return Config(cfg | changes, format_python_code=False)


def build_toy(work_dir: Path, **settings) -> Runner:
    """Build the runner of :func:`toy_config`."""
    with DefaultScope.overwrite_default_scope('mmengine'):
        return RUNNERS.build(toy_config(work_dir, **settings))


def train_toy(work_dir: Path, **settings) -> Runner:
    """Train what :func:`toy_config` describes."""
    with DefaultScope.overwrite_default_scope('mmengine'):
        runner = RUNNERS.build(toy_config(work_dir, **settings))
        runner.train()
    return runner


def fork(function: Callable, *arguments) -> multiprocessing.Process:
    """Start a function in a copy of this process, which has everything imported."""
    process = multiprocessing.get_context('fork').Process(target=function, args=arguments)
    process.start()
    return process


def wait(process: multiprocessing.Process) -> None:
    """Wait for the end of a process of :func:`fork`; one that does not come to it is killed."""
    process.join(60)
    if process.exitcode is None:
        process.kill()
        process.join()


def logged(work_dir: Path) -> str:
    """Text logs of all runs in a work dir, the oldest first."""
    return '\n'.join(path.read_text() for path in sorted(Path(work_dir).glob('*/*.log')))

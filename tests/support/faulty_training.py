"""A training of milliseconds in which samples do what samples should not."""

import itertools
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import nn

from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.registry import DATASETS, MODELS

_numbers = itertools.count()


@DATASETS.register_module()
class FaultySamples(BaseDataset):
    """Four fixed numbers a sample; ``faults`` says, by position, what else happens.

    'nan' (one of the numbers is), 'kill' (the process that reads it), 'sleep' (for a minute).
    """

    def __init__(self, length=8, faults=None, left_out=()):
        self.length, self.faults, self.left_out = length, faults or {}, left_out
        super().__init__(serialize_data=False)  # which takes a second

    def load_data_list(self):
        return [dict(img_path=f'folder/image_{index}.jpg', number=index)
                for index in range(self.length) if index not in self.left_out]

    def __getitem__(self, index):
        info = self.get_data_info(index)
        number = info['number']
        values = torch.randn(4, generator=torch.Generator().manual_seed(number))
        # keys of a config are strings
        fault = self.faults.get(number, self.faults.get(str(number)))
        if fault == 'nan':
            values[0] = torch.nan
        elif fault == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == 'sleep':
            time.sleep(60)
        return dict(inputs=values, img_path=info['img_path'])


@MODELS.register_module()
class FaultyModel(BaseModel):
    """A linear layer, on request behind batch norm, and a loss of a ``kind``.

    'square' is finite where inputs are; 'infinite' has finite gradients all the same; 'root' is
    finite, its gradient is not.
    """

    def __init__(self, kind='square', norm=False):
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.norm = nn.BatchNorm1d(4) if norm else nn.Identity()
        self.layer = nn.Linear(4, 3)

    def forward(self, inputs, mode='tensor', **kwargs):
        output = self.layer(self.norm(inputs))
        loss = output.square().mean()
        if self.kind == 'infinite':
            loss = loss + torch.inf
        if self.kind == 'root':
            loss = loss + (0 * output).sum().sqrt()  # slope of infinity times 0
        return dict(loss_square=loss)


def faulty_config(work_dir: Path, samples=None, model=None, **changes) -> Config:
    """A config of two epochs of four steps, with a checkpoint a step."""
    cfg = Config(dict(
        runner_type='infomin_plugin.InfoMinRunner', default_scope='infomin_plugin',
        experiment_name=f'faulty_{next(_numbers)}', work_dir=str(work_dir),
        model=dict(type='FaultyModel', **(model or {})),
        train_dataloader=dict(
            batch_size=2, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
            dataset=dict(type='FaultySamples', **(samples or {}))),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1),
                           checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=1)),
        run_hooks=dict(start_checks=dict(images=0)),  # there are no files
        randomness=dict(seed=0)), format_python_code=False)
    cfg.merge_from_dict(changes)
    return cfg


def run_faulty(work_dir: Path, samples=None, model=None, **changes) -> InfoMinRunner:
    """Train on ``samples`` (see :class:`FaultySamples`), and return the runner."""
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        runner = InfoMinRunner.from_cfg(faulty_config(work_dir, samples, model, **changes))
        runner.train()
    return runner


def train_apart(work_dir: Path, name: str, environment: dict[str, str], samples: dict,
                changes: dict) -> None:
    """Train in a process of its own, whose output goes to the file ``name`` in the work dir.

    Exits with 1 upon an error.
    """
    with open(work_dir / name, 'w', buffering=1) as output:
        sys.stdout = sys.stderr = output
        os.environ |= environment
        try:
            run_faulty(work_dir, samples, **changes)
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None

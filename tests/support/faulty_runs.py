"""Runs of a model of two numbers, whose losses are what the data say."""

import itertools
import json
from pathlib import Path

import torch
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import DataLoader, Dataset

from infomin_plugin.engine import InfoMinRunner

_numbers = itertools.count()


class Numbers(Dataset):
    """Item i is ``values[i]``, of file i.jpg."""

    def __init__(self, values, **metainfo):
        self.values = list(values)
        self.metainfo = metainfo

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([float(self.values[index])]), img_path=f'{index}.jpg')


class Scale(BaseModel):
    """The loss is the mean of weight * input; batch norm looks at the inputs beside it."""

    def __init__(self, *children):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.norm = nn.BatchNorm1d(1, affine=False)
        self.others = nn.ModuleList(children)

    def forward(self, inputs, mode='tensor', **kwargs):
        self.norm(inputs)
        return dict(loss=(self.weight * inputs).mean())


def build_run(values, work_dir, batch_size=2, model=None, optim_wrapper=None, metainfo=None,
              max_epochs=1, num_workers=0, **settings):
    """A runner whose batches are ``values``, in their order."""
    optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.5)) | (optim_wrapper or {})
    cfg = dict(
        work_dir=str(work_dir), log_level='ERROR', default_scope='infomin_plugin',
        model=model or Scale(), train_cfg=dict(by_epoch=True, max_epochs=max_epochs),
        train_dataloader=DataLoader(Numbers(values, **(metainfo or {})), batch_size=batch_size,
                                    num_workers=num_workers),
        optim_wrapper=optim_wrapper, experiment_name=f'numbers_{next(_numbers)}',
        randomness=dict(seed=0)) | settings
    return InfoMinRunner(cfg=dict(resume=settings.get('resume', False)), **cfg)


def logged(work_dir):
    """What the last run in a work directory logged, line by line."""
    path = max(Path(work_dir).glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]

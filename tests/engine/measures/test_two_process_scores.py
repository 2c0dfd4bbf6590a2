"""Read-out and kNN hook on two processes score as on one. Also the process that is started."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch.utils.data import Dataset
from two_processes import results_of, work

from infomin_plugin.engine import KNNHook
from infomin_plugin.engine.measures.read_out import read_out
from infomin_plugin.registry import MODELS

BANK, QUERIES = 101, 51  # odd: the sampler repeats an image of both


@DATASETS.register_module()
class Clouds(Dataset):
    """Overlapping clouds of five classes."""

    def __init__(self, images, seed):
        draw = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(5, (images, ), generator=draw).tolist()
        self.points = torch.eye(5, 8)[self.labels] + torch.randn(images, 8, generator=draw) / 2
        self.metainfo = dict(classes=tuple('abcde'))

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return dict(inputs=self.points[index], gt_label=self.labels[index])


@MODELS.register_module()
class Scaled(BaseModel):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(8))

    def forward(self, inputs, mode, **kwargs):
        return inputs * self.scale


def loader(images, seed):
    return dict(batch_size=16, num_workers=0, collate_fn=dict(type='default_collate'),
                sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(type='mmengine.Clouds', images=images, seed=seed))


SETS = dict(bank=loader(BANK, 0), queries=dict(test=loader(QUERIES, 1)))


def read_out_scores(folder):
    return read_out(Config(dict(
        default_scope='infomin_plugin', model=dict(type='Scaled'),
        read_out=dict(SETS, methods=['knn', 'linear'], knn=dict(k=7)))), folder / 'scaled.pth')


def knn_curve(work_dir):
    runner = SimpleNamespace(
        model=Scaled(), iter=0, work_dir=work_dir, build_dataloader=Runner.build_dataloader,
        logger=SimpleNamespace(info=lambda text: None),
        visualizer=SimpleNamespace(add_scalars=lambda scores, step: None),
        message_hub=SimpleNamespace(update_scalar=lambda name, value: None))
    hook = KNNHook(**SETS, k=7)
    hook.before_train(runner)
    return hook.curve


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('scores')
    torch.save(dict(state_dict=Scaled().state_dict()), folder / 'scaled.pth')
    return folder


def test_scores_are_those_of_one_process(folder, tmp_path):
    (scores, curve), (no_scores, no_curve) = results_of(__file__, folder)
    assert (no_scores, no_curve) == ({}, [])
    assert scores == read_out_scores(folder)
    assert 30 < scores['knn test'] < 100 and 30 < scores['linear test'] < 100
    assert curve == knn_curve(tmp_path) == json.loads((folder / 'knn.json').read_text())
    assert curve == [dict(epoch=0, test=scores['knn test'])]


def run(rank):
    folder = Path(sys.argv[1])
    return [read_out_scores(folder), knn_curve(folder)]


if __name__ == '__main__':
    work(run)

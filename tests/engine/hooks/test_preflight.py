from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.engine import PreflightHook
from infomin_plugin.engine.hooks import preflight


def runner(images=10, batch=4, queue=None, resume=False):
    model = nn.Linear(2, 3)
    if queue:
        model.queue = SimpleNamespace(length=queue)
    loader = DataLoader(range(images), batch_size=batch, drop_last=True)
    return SimpleNamespace(model=model, train_dataloader=loader, cfg=dict(resume=resume))


def test_lets_a_sound_run_pass():
    PreflightHook().before_train(runner(queue=4))


def test_refuses_a_queue_shorter_than_the_batch_of_all_processes(monkeypatch):
    monkeypatch.setattr(preflight, 'get_world_size', lambda: 2)
    with pytest.raises(ValueError, match=r'length 7 is smaller than the batch of 8 keys \(2 proc'):
        PreflightHook().before_train(runner(queue=7))


def test_refuses_data_without_a_full_batch():
    with pytest.raises(ValueError, match='no full batch: the data set has 3 images'):
        PreflightHook().before_train(runner(images=3))


def test_refuses_a_share_smaller_than_the_others(monkeypatch):
    monkeypatch.setattr(preflight, 'all_gather_object', lambda mine: [mine, (6, 1, 4)])
    with pytest.raises(ValueError, match='different numbers of images'):
        PreflightHook().before_train(runner())


def test_refuses_to_leave_a_process_empty(monkeypatch):
    monkeypatch.setattr(preflight, 'all_gather_object', lambda mine: [mine, (0, 0, 4)])
    with pytest.raises(ValueError, match='no full batch'):
        PreflightHook().before_train(runner())


@pytest.mark.parametrize('state, words', [
    ({'weight': torch.zeros(3, 9), 'bias': torch.zeros(3)},
     r'weight is \(3, 9\) in the checkpoint, \(3, 2\) in the config'),
    ({'weight': torch.zeros(3, 2)}, 'bias is absent'),
])
def test_refuses_to_resume_another_model(state, words):
    with pytest.raises(ValueError, match=words):
        PreflightHook().after_load_checkpoint(runner(resume=True), dict(state_dict=state))


def test_load_from_may_fit_in_part():
    PreflightHook().after_load_checkpoint(runner(resume=False), dict(state_dict={}))


def test_resumes_the_same_model():
    same = runner(resume=True)
    PreflightHook().after_load_checkpoint(same, dict(state_dict=same.model.state_dict()))

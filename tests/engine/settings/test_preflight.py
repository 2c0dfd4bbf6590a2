import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from infomin_plugin.engine.settings import preflight
from infomin_plugin.engine.settings.preflight import check_batches, check_resumable
from infomin_plugin.models import KeyBank, KeyQueue


def setting(images=10, batch=4, memory=None):
    model = nn.Sequential(nn.Linear(2, 3))
    if memory:
        model.append(memory)
    return DataLoader(range(images), batch_size=batch, drop_last=True), model


def test_lets_a_sound_run_pass():
    check_batches(*setting(memory=KeyQueue(4, 2)))
    check_batches(*setting(memory=KeyBank(10, 2)))


def test_refuses_a_queue_shorter_than_the_batch_of_all_processes(monkeypatch):
    monkeypatch.setattr(preflight, 'get_world_size', lambda: 2)
    with pytest.raises(ValueError, match=r'length 7 is smaller than the batch of 8 keys \(2 proc'):
        check_batches(*setting(memory=KeyQueue(7, 2)))


def test_refuses_a_bank_of_another_set():
    with pytest.raises(ValueError, match=r'9 keys, the training set 10 images: set .*length=10'):
        check_batches(*setting(memory=KeyBank(9, 2)))


def test_refuses_data_without_a_full_batch():
    with pytest.raises(ValueError, match='no full batch: the data set has 3 images'):
        check_batches(*setting(images=3))


def test_refuses_a_share_smaller_than_the_others(monkeypatch):
    monkeypatch.setattr(preflight, 'all_gather_object', lambda mine: [mine, (6, 1, 4)])
    with pytest.raises(ValueError, match='different numbers of images'):
        check_batches(*setting())


def test_refuses_to_leave_a_process_empty(monkeypatch):
    monkeypatch.setattr(preflight, 'all_gather_object', lambda mine: [mine, (0, 0, 4)])
    with pytest.raises(ValueError, match='no full batch'):
        check_batches(*setting())


@pytest.mark.parametrize('state, words', [
    ({'weight': torch.zeros(3, 9), 'bias': torch.zeros(3)},
     r'weight is \(3, 9\) in the checkpoint, \(3, 2\) in the config'),
    ({'weight': torch.zeros(3, 2)}, 'bias is absent'),
])
def test_refuses_to_resume_another_model(state, words):
    with pytest.raises(ValueError, match=words):
        check_resumable(state, nn.Linear(2, 3))


def test_resumes_the_same_model():
    model = nn.Linear(2, 3)
    check_resumable(model.state_dict() | {'more': torch.zeros(1)}, model)

"""Pictures during view learning: when, of what, and that nothing is changed by them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from infomin_plugin.engine.hooks import ViewPicturesHook
from infomin_plugin.models import FlowGenerator, ViewDataPreprocessor


def runner(tmp_path):
    torch.manual_seed(0)
    model = nn.Module()
    model.generator = FlowGenerator('RGB', 'additive', num_blocks=1, hidden_channels=4)
    model.data_preprocessor = ViewDataPreprocessor((0., 0., 0.), (255., 255., 255.))
    return SimpleNamespace(model=model, work_dir=str(tmp_path), iter=0)


def batch():
    return dict(inputs=dict(views=[torch.randint(256, (5, 8, 8, 3), dtype=torch.uint8)]))


def test_pictures_come_at_the_interval_and_show_what_was_learned(tmp_path):
    run, hook, data = runner(tmp_path), ViewPicturesHook(interval=2, count=1), batch()
    hook.before_train(run)
    for run.iter in range(4):
        if run.iter == 2:
            for parameter in run.model.generator.parameters():
                nn.init.normal_(parameter)
        hook.after_train_iter(run, run.iter, data)
    assert sorted(path.name for path in (tmp_path / 'views').iterdir()) == [
        'iter_2.png', 'iter_4.png']
    early, late = (np.asarray(Image.open(tmp_path / 'views' / f'iter_{i}.png').convert('RGB'))
                   for i in (2, 4))
    width = early.shape[1] // 2
    assert early.shape == late.shape and not np.array_equal(early, late)
    assert np.array_equal(early[:, :width], late[:, :width])  # original and views before


def test_parameters_keep_learning(tmp_path):
    run, hook = runner(tmp_path), ViewPicturesHook(interval=1)
    hook.before_train(run)
    before = [parameter.clone() for parameter in run.model.generator.parameters()]
    hook.after_train_iter(run, 0, batch())
    for parameter, old in zip(run.model.generator.parameters(), before, strict=True):
        assert parameter.requires_grad and torch.equal(parameter, old)


@pytest.mark.parametrize('arguments', [dict(interval=0), dict(interval=1, count=0)])
def test_bad_arguments_are_named(arguments):
    with pytest.raises(ValueError, match='interval and count must be at least 1, got'):
        ViewPicturesHook(**arguments)

"""The pre-training configs' numbers, read off what is built from them."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope
from torch import nn

from infomin_plugin.registry import MODELS, TRANSFORMS

FOLDER = Path(__file__).parents[2] / 'configs' / 'pretrain'
INFOMIN = 'infomin_resnet50_8xb32-coslr-{}e_in1k.py'
MOCO = 'mocov2_resnet50_8xb32-coslr-200e_in1k.py'


@pytest.fixture(autouse=True)
def _plugin_scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


def config(name):
    return Config.fromfile(FOLDER / name)


@pytest.fixture(scope='module')
def models():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        return {name: MODELS.build(config(name).model) for name in (INFOMIN.format(200), MOCO)}


def layers(module):
    return [(type(m).__name__, m.in_features, m.out_features)
            for m in module.modules() if isinstance(m, nn.Linear)]


def test_infomin_is_the_papers(models):
    model = models[INFOMIN.format(200)]
    assert layers(model.neck) == [('Linear', 2048, 2048), ('Linear', 2048, 128)]
    assert layers(model.jigsaw_neck.patch_neck) == layers(model.neck)
    assert layers(model.jigsaw_neck)[-1] == ('Linear', 9 * 128, 128)
    assert tuple(model.queue.keys.shape) == (65536, 128)
    assert model.momentum_encoder.momentum == 0.999
    for head in (model.head, model.jigsaw_head):
        assert (head.temperature, head.loss_weight) == (0.15, 0.5)


def test_mocov2_has_one_branch(models):
    model = models[MOCO]
    assert model.jigsaw_neck is None and model.jigsaw_head is None
    assert (model.head.temperature, model.head.loss_weight) == (0.2, 1.0)


@pytest.mark.parametrize('name', [INFOMIN.format(200), MOCO])
def test_the_trunk_is_torchvisions(models, name):
    from torchvision.models import resnet50
    ours, theirs = models[name].backbone, resnet50()
    expected = {k: v.shape for k, v in theirs.state_dict().items() if not k.startswith('fc.')}
    assert {k: v.shape for k, v in ours.state_dict().items()} == expected
    ours.load_state_dict(theirs.state_dict(), strict=False)
    images = torch.randn(2, 3, 64, 64)
    trunk = nn.Sequential(*list(theirs.children())[:-2])
    ours.eval(), trunk.eval()
    torch.testing.assert_close(ours(images)[0], trunk(images))


def test_the_trunk_starts_from_kaiming_normal(models):
    torch.manual_seed(0)
    model = models[INFOMIN.format(200)]
    model.init_weights()
    weight = model.backbone.layer3[1].conv2.weight
    # fan out 256 x 3 x 3
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)
    kurtosis = ((weight / weight.std()) ** 4).mean().item()
    assert kurtosis == pytest.approx(3, abs=0.1)  # a uniform distribution's is 1.8
    assert all((m.weight == 1).all() for m in model.backbone.modules()
               if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize('name, epochs', [
    (INFOMIN.format(100), 100), (INFOMIN.format(200), 200), (INFOMIN.format(800), 800),
    (MOCO, 200)])
def test_the_schedule_is_a_cosine_by_epochs(name, epochs):
    cfg = config(name)
    assert cfg.train_cfg.max_epochs == epochs
    parameter = nn.Linear(1, 1)
    wrapper = build_optim_wrapper(parameter, cfg.optim_wrapper.copy())
    assert wrapper.optimizer.defaults['momentum'] == 0.9
    assert wrapper.optimizer.defaults['weight_decay'] == 1e-4
    (settings, ) = cfg.param_scheduler
    scheduler = PARAM_SCHEDULERS.build(dict(settings, optimizer=wrapper.optimizer))
    rates = []
    for _ in range(epochs):
        rates.append(wrapper.optimizer.param_groups[0]['lr'])
        scheduler.step()
    low = 0.03 * 1e-3
    for epoch in (0, epochs // 4, epochs // 2, epochs - 1):
        cosine = torch.tensor(torch.pi * epoch / epochs).cos().item()
        assert rates[epoch] == pytest.approx(low + (0.03 - low) * (1 + cosine) / 2, rel=1e-4)


def test_a_batch_is_256_on_eight_gpus():
    cfg = config(INFOMIN.format(200))
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 256
    assert cfg.train_dataloader.drop_last


def test_a_sample_is_two_views_and_nine_patches():
    import numpy as np
    steps = [TRANSFORMS.build(step) for step in
             config(INFOMIN.format(200)).train_dataloader.dataset.pipeline[1:]]
    sample = dict(img=np.zeros((300, 400, 3), np.uint8), img_path='x')
    for step in steps:
        sample = step(sample)
    assert [tuple(view.shape) for view in sample['inputs']['views']] == [(224, 224, 3)] * 2
    assert [tuple(p.shape) for p in sample['inputs']['patches']] == [(9, 64, 64, 3)]


def test_the_linear_head_of_moco_v1_is_a_setting(models):
    cfg = config(MOCO)
    cfg.model.neck = dict(type='mmselfsup.LinearNeck', in_channels=2048, out_channels=128)
    cfg.model.head.temperature = 0.07
    cfg.model.queue.length = 64
    model = MODELS.build(cfg.model)
    assert layers(model.neck) == [('Linear', 2048, 128)]
    assert model.head.temperature == 0.07

"""The pre-training configs' numbers, read off what is built from them."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope
from torch import nn

from infomin_plugin.checkpoints import find_architecture
from infomin_plugin.registry import MODELS, TRANSFORMS

FOLDER = Path(__file__).parents[2] / 'configs' / 'pretrain'
INFOMIN = 'infomin/infomin_resnet50_8xb32-coslr-{}e_in1k.py'
MOCO = 'mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py'
# modality, jigsaw branch, memory, recipe, head, temperature, where crops begin (REFERENCE of the
# authors' public code, PyContrast)
METHODS = {
    'instdis': ('RGB', False, 'KeyBank', 'A', 'linear', 0.07, 0.08),
    'cmc': ('Y|DbDr', False, 'KeyBank', 'C', 'linear', 0.07, 0.08),
    'moco': ('RGB', False, 'KeyQueue', 'A', 'linear', 0.07, 0.2),
    'pirl': ('RGB', True, 'KeyBank', 'A', 'linear', 0.07, 0.08),
    'mocov2': ('RGB', False, 'KeyQueue', 'B', 'mlp', 0.2, 0.2),
    'cmcv2': ('Y|DbDr', False, 'KeyQueue', 'E', 'mlp', 0.2, 0.2),
    'infomin': ('RGB', True, 'KeyQueue', 'D', 'mlp', 0.15, 0.2),
}
# operations after crop and flip, hue of the jitter
RECIPES = {
    'A': (['ColorJitter', 'RandomGrayscale'], 0.4),
    'B': (['ColorJitter', 'RandomGrayscale', 'GaussianBlur'], 0.1),
    'C': (['ColorJitter'], 0.1),
    'D': (['ColorJitter', 'GaussianBlur', 'RandAugment', 'RandomGrayscale'], 0.2),
    'E': (['ColorJitter', 'GaussianBlur', 'RandAugment'], 0.1),
}


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


@pytest.mark.parametrize('name', METHODS)
def test_a_method_is_a_combination(name):
    modality, jigsaw, memory, recipe, head, temperature, smallest = METHODS[name]
    cfg = config(f'{name}/{name}_resnet50_8xb32-coslr-200e_in1k.py')
    settings = cfg.model.memory
    assert settings.length == (1281167 if memory == 'KeyBank' else 65536)
    assert settings.get('num_negatives', 65536) == 65536 and settings.get('momentum', 0.5) == 0.5
    settings.length = 64  # a whole bank is 0.66 GB
    model = MODELS.build(cfg.model)
    memories = list(getattr(model, 'memories', [getattr(model, 'memory', None)]))
    assert [type(each).__name__ for each in memories] == [memory] * len(memories)
    assert model.head.temperature == temperature
    assert (getattr(model, 'jigsaw_neck', None) is not None) == jigsaw
    if modality == 'RGB':
        width, necks = 2048, [model.neck]
        assert jigsaw is False or model.jigsaw_head.temperature == temperature
    else:
        encoders = model.encoders.encoder1, model.encoders.encoder2
        width, necks = 1024, [encoder.neck for encoder in encoders]
        assert [encoder.backbone.conv1.in_channels for encoder in encoders] == [1, 2]
        assert model.generator.views(torch.rand(1, 3, 4, 4))[1].shape[1] == 2
    expected = [('Linear', width, width)] * (head == 'mlp') + [('Linear', width, 128)]
    assert [layers(neck) for neck in necks] == [expected] * len(necks)

    multi_view = cfg.train_dataloader.dataset.pipeline[1]
    steps = [step.get('transforms', [step])[0] for step in multi_view.views.recipe]
    wanted, hue = RECIPES[recipe]
    assert [step.type for step in steps] == ['RandomResizedCrop', 'RandomFlip', *wanted]
    assert steps[0].scale[0] == smallest and steps[2].hue == hue
    assert ('patches' in multi_view) == jigsaw
    # a queue's key is of a second view, a bank's of an earlier epoch, a modality's of the same
    assert multi_view.views.num == (2 if modality == 'RGB' and memory == 'KeyQueue' else 1)


@pytest.mark.parametrize('name', ['cmc', 'cmcv2'])
def test_views_of_cmc_are_normalised_as_the_authors_are(name):
    """Levels of red, grey and blue by hand, from scikit-image's matrix and PyContrast's numbers."""
    model = config(f'{name}/{name}_resnet50_8xb32-coslr-200e_in1k.py').model
    pixels = torch.tensor([[[255, 0, 0], [51, 51, 51], [0, 0, 255]]], dtype=torch.uint8)  # H, W, C
    batch = dict(inputs=dict(views=[pixels[None]], patches=[]))
    images = MODELS.build(model.data_preprocessor)(batch)['inputs']['views'][0]
    first, second = MODELS.build(model.encoders).view_norms(
        MODELS.build(model.generator).views(images))
    luminance = torch.tensor([0.299, 0.2, 0.114])
    chrominance = torch.tensor([[-0.45, 0, 1.333], [-1.333, 0, 0.217]])
    torch.testing.assert_close(first[0, 0, 0], (luminance - 0.457) / 0.5)
    torch.testing.assert_close(second[0, 0, 0], (chrominance[0] + 0.082) / 1.331)
    torch.testing.assert_close(second[0, 1, 0], (chrominance[1] + 0.052) / 1.333)


def test_learned_views_are_normalised_by_their_batch():
    """The statistics of YDbDr say nothing about them."""
    name = 'learned-views/learned-views_resnet50_8xb32-coslr-200e_in1k.py'
    assert config(name).model.encoders.view_norm is True


@pytest.mark.parametrize('name', METHODS)
@pytest.mark.parametrize('epochs', [100, 200, 800])
def test_every_method_has_three_lengths(name, epochs):
    cfg = config(f'{name}/{name}_resnet50_8xb32-coslr-{epochs}e_in1k.py')
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[0].T_max == epochs


@pytest.mark.parametrize('change, without', [
    ('no-blur', 'GaussianBlur'), ('no-randaugment', 'RandAugment')])
def test_an_ablation_leaves_out_one_step(change, without):
    def kinds(name):
        recipe = config(name).train_dataloader.dataset.pipeline[1].views.recipe
        return [step.get('transforms', [step])[0].type for step in recipe]
    whole = kinds(INFOMIN.format(100))
    assert without in whole
    name = f'infomin-ablation/infomin-{change}_resnet50_8xb32-coslr-100e_in1k.py'
    assert kinds(name) == [kind for kind in whole if kind != without]


@pytest.mark.parametrize('name, depth, groups, millions', [
    ('resnet101_8xb32-coslr-300e', 101, 1, 43), ('resnet152_8xb32-coslr-200e', 152, 1, 58),
    ('resnext101-32x8d_8xb64-coslr-200e', 101, 32, 87),
    ('resnext152-32x8d_8xb64-coslr-200e', 152, 32, 120)])
def test_larger_trunks_are_told_from_their_tensors(name, depth, groups, millions):
    """The millions of parameters are those of the authors' table."""
    cfg = config(f'infomin/infomin_{name}_in1k.py')
    backbone = MODELS.build(cfg.model.backbone)
    found = find_architecture(backbone.state_dict())
    assert (found.depth, found.groups, found.base_channels) == (depth, groups, 64)
    assert found.width == (256 if groups > 1 else 64)
    assert round(sum(part.numel() for part in backbone.parameters()) / 1e6) == millions


@pytest.mark.parametrize('name, batch, rate', [
    ('resnet152_8xb32', 256, 0.03), ('resnext101-32x8d_8xb64', 512, 0.06),
    ('resnext152-32x8d_8xb64', 512, 0.06)])
def test_batch_and_rate_of_larger_trunks(name, batch, rate):
    cfg = config(f'infomin/infomin_{name}-coslr-200e_in1k.py')
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == batch
    assert cfg.optim_wrapper.optimizer.lr == rate
    assert (cfg.warm_up.above < batch) == (batch > 256)


def test_infomin_is_the_papers(models):
    model = models[INFOMIN.format(200)]
    assert layers(model.neck) == [('Linear', 2048, 2048), ('Linear', 2048, 128)]
    assert layers(model.jigsaw_neck.patch_neck) == layers(model.neck)
    assert layers(model.jigsaw_neck)[-1] == ('Linear', 9 * 128, 128)
    assert tuple(model.memory.keys.shape) == (65536, 128)
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

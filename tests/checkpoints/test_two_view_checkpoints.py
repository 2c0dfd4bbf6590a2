"""Two trunks behind a generator: from training to an exported file to a backbone."""

import logging
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from tool_modules import load_tool
from two_view_models import FLOW, MEAN, STD, contrast_config, shuffled

from infomin_plugin.checkpoints import (
    CheckpointError,
    compare,
    pack_settings,
    read_trunk,
    unpack_settings,
    write_backbone,
)
from infomin_plugin.models import TwoViewBackbone
from infomin_plugin.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools' / 'export_backbone.py'
BACKBONE = dict(generator=FLOW, mean=MEAN, std=STD, depth=18, base_channels=4, view_norm=True)
FIXED = dict(mean=[0.4, -0.1, 0.25], std=[0.5, 2.0, 0.125])


@pytest.fixture(scope='module')
def contrast():
    """A CrossViewContrast whose key encoder differs from its encoder."""
    return shuffled(MODELS.build(contrast_config()))


@pytest.fixture
def checkpoint(contrast, tmp_path):
    """Its training checkpoint."""
    path = tmp_path / 'contrast.pth'
    torch.save(dict(meta=dict(iter=1), state_dict=contrast.state_dict(),
                    optimizer=dict(state={})), path)
    return path


@pytest.fixture(scope='module')
def export():
    """The tool's main function."""
    return load_tool(TOOL).main


@pytest.fixture
def warnings():
    """What MMEngine says about keys while it loads."""
    class Kept(logging.Handler):
        lines = []

        def emit(self, record):
            self.lines.append(record.getMessage())

    handler, logger = Kept(), MMLogger.get_current_instance()
    handler.lines = []
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


@pytest.mark.parametrize('source', ['query', 'momentum'])
@torch.no_grad()
def test_exported_file_makes_the_backbone_see_what_was_trained(
        source, contrast, checkpoint, export, warnings, tmp_path, capsys):
    out = tmp_path / 'backbone.pth'
    export([str(checkpoint), str(out), '--from', source])
    said = capsys.readouterr().out
    assert 'backbone.pth: two-view resnet18_base4' in said and "'mixing': 'rotate'" in said
    backbone = TwoViewBackbone(**BACKBONE, init_cfg=dict(type='Pretrained', checkpoint=str(out)))
    backbone.init_weights()
    assert any('load model from' in line for line in warnings)
    assert not any('unexpected' in line or 'missing' in line for line in warnings)
    written = torch.load(out, weights_only=True)['state_dict']
    assert set(written) == set(backbone.state_dict())
    assert {key.split('.')[0] for key in written} == {
        'generator', 'view_norms', 'trunk1', 'trunk2'}

    levels = torch.randint(256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    features = backbone.eval()((levels - mean) / std)[-1].mean(dim=(2, 3))
    contrast.eval()
    encoders = contrast.encoders if source == 'query' else contrast.momentum_encoder.module
    expected = encoders.features(contrast.generator.views(levels / 255))
    assert expected.std() > 0
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('source', ['query', 'momentum'])
@torch.no_grad()
def test_fixed_statistics_are_exported_bit_for_bit(source, export, warnings, tmp_path):
    """Those of the file, whatever the backbone's config says; the features are the same bits."""
    contrast = shuffled(MODELS.build(contrast_config(view_norm=FIXED))).eval()
    torch.save(dict(state_dict=contrast.state_dict()), tmp_path / 'contrast.pth')
    out = tmp_path / 'backbone.pth'
    export([str(tmp_path / 'contrast.pth'), str(out), '--from', source])
    encoders = contrast.encoders if source == 'query' else contrast.momentum_encoder.module
    mean, std = (torch.cat([getattr(norm, kind) for norm in encoders.view_norms]).tolist()
                 for kind in ('mean', 'std'))
    assert mean != FIXED['mean'] and read_trunk(out).view_norm == dict(mean=mean, std=std)

    # RGB in 0…1 goes in as it is
    backbone = TwoViewBackbone(**BACKBONE | dict(mean=[0] * 3, std=[255] * 3, view_norm=FIXED),
                               init_cfg=dict(type='Pretrained', checkpoint=str(out)))
    backbone.init_weights()
    assert not any('unexpected' in line or 'missing' in line for line in warnings)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = backbone.eval()(images)[-1].mean(dim=(2, 3))
    assert torch.equal(features, encoders.features(contrast.generator.views(images)))
    first, second = contrast.generator.views(images)
    for norm, view, place in zip(backbone.view_norms, (first, second), ((0, ), (1, 2)),
                                 strict=True):
        by_hand = torch.stack([(view[:, number] - mean[channel]) / std[channel]
                               for number, channel in enumerate(place)], dim=1)
        torch.testing.assert_close(norm(view), by_hand)


def test_query_and_momentum_encoder_differ(checkpoint):
    query, momentum = read_trunk(checkpoint), read_trunk(checkpoint, 'momentum')
    assert not torch.equal(query.state_dict['trunk1.conv1.weight'],
                           momentum.state_dict['trunk1.conv1.weight'])
    assert torch.equal(query.state_dict['generator.blocks.0.rest.out.weight'],
                       momentum.state_dict['generator.blocks.0.rest.out.weight'])
    assert query.generator['in_space'] == 'YDbDr' and query.architecture.views == 2


def test_without_momentum_encoder_and_view_norms(tmp_path):
    model = MODELS.build(contrast_config(
        generator=dict(type='ColorSpaceGenerator', space='Lab'), view_norm=False, memory=None))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'file.pth')
    trunk = read_trunk(tmp_path / 'file.pth')
    assert trunk.generator == dict(type='ColorSpaceGenerator', space='Lab',
                                   channels=[[0], [1, 2]])
    report = compare(trunk, TwoViewBackbone(**BACKBONE | dict(
        generator=dict(type='ColorSpaceGenerator', space='Lab'), view_norm=False)).state_dict())
    assert report.whole and report.model == 'two-view resnet18_base4'
    with pytest.raises(CheckpointError, match='no momentum encoder'):
        read_trunk(tmp_path / 'file.pth', 'momentum')


@pytest.mark.parametrize('source', ['query', 'momentum'])
def test_exported_file_is_read_again(source, checkpoint, tmp_path):
    trunk = read_trunk(checkpoint, source)
    write_backbone(tmp_path / 'out.pth', trunk)
    again = read_trunk(tmp_path / 'out.pth')
    assert (again.origin, again.source) == ('exported two-view backbone', source)
    assert again.architecture == trunk.architecture
    assert set(again.state_dict) == set(trunk.state_dict)
    assert all(torch.equal(again.state_dict[key], trunk.state_dict[key])
               for key in trunk.state_dict)


def test_weights_of_another_generator_are_refused(checkpoint, export, tmp_path):
    export([str(checkpoint), str(tmp_path / 'out.pth')])
    backbone = TwoViewBackbone(**BACKBONE | dict(generator=FLOW | dict(mixing='permute')),
                               init_cfg=dict(type='Pretrained',
                                             checkpoint=str(tmp_path / 'out.pth')))
    with pytest.raises(ValueError, match="'rotate'.*the one of the config .*'permute'"):
        backbone.init_weights()


def replaced(state, **changes):
    """A state with tensors under other names, or others; None drops all with that start."""
    state = dict(state)
    for key, tensor in changes.items():
        for name in [name for name in state if name.startswith(key)]:
            del state[name]
        if tensor is not None:
            state[key] = tensor
    return state


@pytest.mark.parametrize('changes, words', [
    ({'generator.': None}, 'holds two trunks without their view generator: generator.settings'),
    ({'generator.settings': torch.tensor([1], dtype=torch.uint8)}, 'settings .* are unreadable'),
    ({'generator.settings': torch.tensor(10**12)}, 'settings .* are unreadable: .*int64'),
    ({'generator.settings': pack_settings({})[:1]}, 'settings .* are unreadable'),
    ({'encoders.encoder2.backbone.': None}, 'of which trunk2 is no trunk of a ResNet'),
    ({'encoders.encoder2.backbone.layer4.1.bn2.bias': None}, 'trunk2 is an incomplete trunk'),
    ({'encoders.encoder2.backbone.conv1.weight': torch.ones(4, 3, 7, 7)},
     'trunk2 takes 3 channels instead of 2'),
    ({'generator.blocks.0.rest.out.bias': torch.tensor([float('nan')] * 4)},
     'not finite in generator.blocks.0.rest.out.bias'),
])
def test_what_is_not_two_whole_trunks_is_refused(changes, words, contrast, tmp_path):
    torch.save(dict(state_dict=replaced(contrast.state_dict(), **changes)), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match=f'bad.pth.*{words}'):
        read_trunk(tmp_path / 'bad.pth')


@pytest.mark.parametrize('changes, words', [
    ({'std': torch.tensor([0.5, 0.0])}, r'deviations that are not positive: \[.*, 0.5, 0.0\]'),
    ({'std': torch.tensor([0.5, float('nan')])}, 'not finite in view_norms.1.std'),
    ({'std': torch.tensor([1])}, 'no whole fixed statistics, .* see view_norms.1.std'),
    ({'std': torch.tensor([1, 1j])}, 'no whole fixed statistics, .* see view_norms.1.std'),
    ({'mean': None}, 'no whole fixed statistics, .* see view_norms.1.mean'),
    ({'running_mean': torch.ones(2)}, 'no whole fixed .* see view_norms.1.running_mean'),
])
def test_fixed_statistics_that_are_none_are_refused(changes, words, tmp_path):
    state = MODELS.build(contrast_config(view_norm=FIXED)).state_dict()
    changes = {f'encoders.view_norms.1.{key}': value for key, value in changes.items()}
    torch.save(dict(state_dict=replaced(state, **changes)), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match=f'bad.pth.*{words}'):
        read_trunk(tmp_path / 'bad.pth')


def test_trunks_of_different_depths_are_refused(tmp_path):
    trunk = dict(type='mmselfsup.ResNet', depth=34, stem_channels=4, base_channels=4)
    config = contrast_config(memory=None)
    config['encoders']['encoder2']['backbone'] = dict(trunk, in_channels=2)
    torch.save(dict(state_dict=MODELS.build(config).state_dict()), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match='two different trunks, resnet18_base4 and resnet34'):
        read_trunk(tmp_path / 'bad.pth')


def test_settings_survive_packing():
    settings = dict(type='FlowGenerator', max_log_scale=None, channels=[[0], [1, 2]])
    assert unpack_settings(pack_settings(settings)) == settings
    with pytest.raises(CheckpointError, match='no dict: 3'):
        unpack_settings(pack_settings(3))

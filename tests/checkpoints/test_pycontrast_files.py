"""PyContrast's files of two modalities: in, out, and what the features of their trunks are."""

from pathlib import Path

import pytest
import torch
from checkpoint_files import pycontrast_two_modalities, thin_trunk
from mmcls.models import ResNet
from mmengine.config import Config
from tool_modules import load_tool
from two_view_models import FLOW, contrast_config, shuffled

from infomin_plugin.checkpoints import CheckpointError, compare, read_trunk, write_backbone
from infomin_plugin.checkpoints.convert import convert_checkpoint
from infomin_plugin.models import TwoViewBackbone
from infomin_plugin.registry import MODELS

ROOT = Path(__file__).parents[2]
YDBDR = dict(type='ColorSpaceGenerator', space='YDbDr')
# the authors' code: RGB in 0…1 to YDbDr by scikit-image's matrix, then these
MATRIX = torch.tensor([[0.299, 0.587, 0.114], [-0.45, -0.883, 1.333], [-1.333, 1.116, 0.217]])
MEAN, STD = (0.457, -0.082, -0.052), (0.500, 1.331, 1.333)
FIXED = dict(mean=MEAN, std=STD)
# its networks of half the width have the stem of a whole one
THIN = dict(base_channels=4, stem_channels=8)


@pytest.fixture(scope='module', params=[18, 50])
def encoders(request):
    """Query and momentum encoders of a thin ResNet: each of luminance and chrominance."""
    return tuple(tuple(thin_trunk(request.param, 2 * index + channels, channels, stem_channels=8)
                       for channels in (1, 2)) for index in range(2))


@pytest.fixture
def file(encoders, tmp_path):
    """Their checkpoint."""
    torch.save(pycontrast_two_modalities(*encoders), tmp_path / 'cmcv2.pth')
    return tmp_path / 'cmcv2.pth'


def same_bits(first, second):
    """Of two tensors: also zeros apart, and types."""
    return first.dtype == second.dtype and first.shape == second.shape and torch.equal(
        first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))


@pytest.mark.parametrize('source', ['query', 'momentum'])
def test_their_keys_go_in_and_come_out_bit_equal(source, encoders, file, tmp_path):
    convert_checkpoint(file, tmp_path / 'out.pth', 'pycontrast', source)
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['model']
    wanted = {f'module.encoder{number}.{key}': tensor
              for number, trunk in enumerate(encoders[source == 'momentum'], start=1)
              for key, tensor in trunk.items()}
    assert set(written) == set(wanted)
    assert all(same_bits(written[key], wanted[key]) for key in wanted)

    first, again = read_trunk(file, source), read_trunk(tmp_path / 'out.pth')
    assert again.ignored == again.filled == () and again.source == source
    assert list(again.state_dict) == list(first.state_dict)
    assert all(same_bits(again.state_dict[key], first.state_dict[key]) for key in again.state_dict)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_types_are_kept(dtype, encoders, tmp_path):
    halves = tuple({key: tensor.to(dtype) if tensor.is_floating_point() else tensor
                    for key, tensor in trunk.items()} for trunk in encoders[0])
    torch.save(pycontrast_two_modalities(halves, halves), tmp_path / 'file.pth')
    convert_checkpoint(tmp_path / 'file.pth', tmp_path / 'out.pth', 'pycontrast')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['model']
    for number, trunk in enumerate(halves, start=1):
        assert all(same_bits(written[f'module.encoder{number}.{key}'], trunk[key])
                   for key in trunk)


def test_their_read_out_takes_it(encoders, file, tmp_path):
    """Strictly, encoder by encoder."""
    convert_checkpoint(file, tmp_path / 'out.pth', 'pycontrast')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)['model']
    depth = 50 if 'layer1.0.conv3.weight' in encoders[0][0] else 18
    for number in (1, 2):
        start = f'module.encoder{number}.'
        ResNet(depth, number, **THIN).load_state_dict(
            {key.removeprefix(start): tensor for key, tensor in written.items()
             if key.startswith(start)})


@torch.no_grad()
def test_the_backbone_sees_what_the_authors_encoders_saw(encoders, tmp_path):
    """Views and trunks by hand; the backbone's own settings are those of a CMC config."""
    depth = 50 if 'layer1.0.conv3.weight' in encoders[0][0] else 18
    trunks = [shuffled(ResNet(depth, channels, **THIN), channels)
              for channels in (1, 2)]
    for trunk in trunks:
        trunk.eval()  # gives None
    states = tuple(trunk.state_dict() for trunk in trunks)
    torch.save(pycontrast_two_modalities(states, states), tmp_path / 'file.pth')
    convert_checkpoint(tmp_path / 'file.pth', tmp_path / 'out.pth', 'mmdet')
    backbone = TwoViewBackbone(
        YDBDR, mean=[0] * 3, std=[255] * 3, view_norm=FIXED, depth=depth, **THIN,
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'out.pth')))
    backbone.init_weights()
    assert compare(read_trunk(tmp_path / 'out.pth'), backbone.state_dict()).whole

    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    views = torch.stack([sum(weight * images[:, color] for color, weight in enumerate(row))
                         for row in MATRIX], dim=1)
    for channel in range(3):
        views[:, channel] = (views[:, channel] - MEAN[channel]) / STD[channel]
    wanted = torch.cat([trunk(view)[-1] for trunk, view in zip(
        trunks, (views[:, :1], views[:, 1:]), strict=True)], dim=1)
    ours = backbone.eval()(images)[-1]
    torch.testing.assert_close(ours, wanted, rtol=1e-3, atol=1e-5)
    assert wanted.std(dim=(0, 2, 3)).min() > 0


@pytest.mark.parametrize('name', [
    'linear/linear_two-view-resnet50_8xb32-steplr-60e_in1k',
    'detection/mask-rcnn_two-view-r50_fpn_8xb2-1x_coco'])
def test_the_configs_take_files_in_full_size(name, tmp_path):
    """Stem 64, first stage 32: as the authors build networks of half the width."""
    states = tuple(ResNet(50, channels, stem_channels=64, base_channels=32).state_dict()
                   for channels in (1, 2))
    torch.save(pycontrast_two_modalities(states, states), tmp_path / 'file.pth')
    backbone = MODELS.build(Config.fromfile(ROOT / f'configs/{name}.py').model.backbone)
    compare(read_trunk(tmp_path / 'file.pth'), backbone.state_dict()).require_whole()


def test_the_statistics_are_those_of_the_configs(file):
    cfg = Config.fromfile(ROOT / 'configs/pretrain/cmcv2/'
                          'cmcv2_resnet50_8xb32-coslr-200e_in1k.py')
    norms = MODELS.build(contrast_config(generator=YDBDR, view_norm=cfg.model.encoders.view_norm))
    trunk = read_trunk(file)
    for key, tensor in norms.encoders.view_norms.state_dict().items():
        assert torch.equal(trunk.state_dict[f'view_norms.{key}'], tensor)


def test_a_run_of_ours_goes_there_and_back(tmp_path):
    """With the views of CMC, which the file cannot say."""
    model = shuffled(MODELS.build(contrast_config(generator=YDBDR)))
    fixed = MODELS.build(contrast_config(generator=YDBDR, view_norm=FIXED))
    state = {key: tensor for key, tensor in model.state_dict().items() if 'view_norms' not in key}
    fixed.load_state_dict(state, strict=False)
    torch.save(dict(meta={}, state_dict=fixed.state_dict()), tmp_path / 'ours.pth')
    trunk = convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'out.pth', 'pycontrast')
    again = read_trunk(tmp_path / 'out.pth')
    assert set(again.state_dict) == set(trunk.state_dict) and not trunk.implied
    assert all(same_bits(again.state_dict[key], trunk.state_dict[key]) for key in trunk.state_dict)


def test_reports_say_what_the_file_lacks(file, tmp_path, capsys):
    tool = load_tool(ROOT / 'tools/checkpoints/convert.py')
    tool.main([str(file), str(tmp_path / 'out.pth'), '--to', 'pycontrast'])
    said = capsys.readouterr().out
    assert 'two-view resnet' in said and "'space': 'YDbDr'" in said
    assert 'mean [0.457, -0.082, -0.052], std [0.5, 1.331, 1.333]' in said
    lacking = 'no such file holds but all imply: generator.settings, view_norms.0.mean'
    assert lacking in said and '8 other entries left out' in said  # the heads
    trunk = read_trunk(file)
    assert lacking in str(compare(trunk, trunk.state_dict))
    write_backbone(tmp_path / 'ours.pth', trunk)
    assert read_trunk(tmp_path / 'ours.pth').implied == ()


@pytest.mark.parametrize('generator, view_norm', [
    (FLOW, FIXED),
    (YDBDR, True),
    (YDBDR, False),
    (YDBDR, FIXED | dict(std=(0.5, 1.331, 1.332))),
    (YDBDR | dict(space='YIQ'), FIXED),
    (YDBDR | dict(channels=((1, ), (0, 2))), FIXED),
])
def test_trunks_of_other_views_are_refused(generator, view_norm, tmp_path):
    """PyContrast would give them the views of CMC, without a word."""
    model = MODELS.build(contrast_config(generator=generator, view_norm=view_norm))
    torch.save(dict(meta={}, state_dict=model.state_dict()), tmp_path / 'ours.pth')
    with pytest.raises(CheckpointError, match=r'ours.pth is a two-view resnet18_base4 behind \{.*'
                       'view_norm=.*PyContrast has no place for these'):
        convert_checkpoint(tmp_path / 'ours.pth', tmp_path / 'out.pth', 'pycontrast')
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize('layout', ['torchvision', 'timm', 'detectron2'])
def test_single_trunks_have_no_place_for_it(layout, file, tmp_path):
    with pytest.raises(CheckpointError, match=f'layout {layout} has no place for a second trunk'):
        convert_checkpoint(file, tmp_path / 'out.pkl', layout)
    assert not (tmp_path / 'out.pkl').exists()


@pytest.mark.parametrize('without, words', [
    ('module.encoder2.', 'of which trunk2 is no trunk'),
    ('module.encoder2.layer3.0.bn1.bias', 'of which trunk2 is an incomplete trunk'),
    ('module.encoder1.layer3.0.bn1.bias', 'of which trunk1 is an incomplete trunk'),
])
def test_half_a_file_is_refused(without, words, encoders, tmp_path):
    content = pycontrast_two_modalities(*encoders)
    for key in [key for key in content['model'] if key.startswith(without)]:
        del content['model'][key]
    torch.save(content, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=f'file.pth holds two trunks, {words}'):
        read_trunk(tmp_path / 'file.pth')


def test_banks_have_no_momentum_encoder(encoders, tmp_path):
    content = pycontrast_two_modalities(*encoders)
    del content['model_ema']
    torch.save(content, tmp_path / 'cmc.pth')
    with pytest.raises(CheckpointError, match='cmc.pth .* holds no momentum encoder'):
        read_trunk(tmp_path / 'cmc.pth', 'momentum')

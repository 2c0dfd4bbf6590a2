"""Two trunks behind a generator: what they compute, what learns, and where they fit."""

import pytest
import torch
from mmdet.models.backbones import ResNet
from mmdet.models.necks import FPN

from infomin_plugin.models import ColorSpaceGenerator, FlowGenerator, TwoViewBackbone

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
FLOW = dict(type='FlowGenerator', in_space='YDbDr', coupling='affine', max_log_scale=1.0,
            num_blocks=2, hidden_channels=4)
SMALL = dict(generator=FLOW, mean=MEAN, std=STD, depth=18, base_channels=4, norm_eval=False)


def make(**settings):
    """A backbone whose generator and view norms are not the identity."""
    torch.manual_seed(0)
    backbone = TwoViewBackbone(**SMALL | settings)
    backbone.init_weights()
    for parameter in backbone.generator.parameters():
        parameter.normal_(std=0.5)
    for norm in backbone.view_norms:
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
    return backbone


@pytest.fixture
def images():
    """RGB levels 0…255, and as mmdet's preprocessor hands them on."""
    levels = torch.randint(256, (2, 3, 64, 96), generator=torch.Generator().manual_seed(1)).float()
    return levels, (levels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('channels', [((0, ), (1, 2)), ((2, ), (0, 1))])
def test_equals_two_trunks_run_by_hand(channels, training, images):
    levels, normalised = images
    backbone = make(generator=dict(FLOW, channels=channels), view_norm=True).train(training)
    hand = []
    for number, trunk in enumerate((backbone.trunk1, backbone.trunk2), start=1):
        copy = ResNet(depth=18, in_channels=number, base_channels=4, norm_eval=False)
        copy.load_state_dict(trunk.state_dict())
        copy.train(training)
        hand.append(copy)
    z = backbone.generator(levels / 255)
    expected = []
    for trunk, norm, view in zip(hand, backbone.view_norms, channels, strict=True):
        mean, var = norm.running_mean.view(-1, 1, 1), norm.running_var.view(-1, 1, 1)
        expected.append(trunk((z[:, list(view)] - mean) / (var + 1e-5).sqrt()))
    for ours, first, second in zip(backbone(normalised), *expected, strict=True):
        torch.testing.assert_close(ours, torch.cat([first, second], 1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('depth', [18, 50])
def test_half_width_has_the_channels_of_a_resnet_and_feeds_an_fpn(depth, images):
    backbone = TwoViewBackbone(**SMALL | dict(depth=depth, base_channels=32)).eval()
    whole = ResNet(depth=depth)
    whole.eval()  # gives None
    maps = backbone(images[1])
    assert [m.shape for m in maps] == [m.shape for m in whole(images[1])]
    assert (sum(p.numel() for p in backbone.trunk1.parameters())
            < 0.3 * sum(p.numel() for p in whole.parameters()))
    neck = FPN([m.shape[1] for m in maps], out_channels=8, num_outs=5)
    assert [level.shape[1] for level in neck(maps)] == [8] * 5


def test_out_indices_and_fewer_stages(images):
    backbone = TwoViewBackbone(**SMALL, num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1),
                               out_indices=(2, ))
    assert [tuple(m.shape) for m in backbone(images[1])] == [(2, 32, 4, 6)]


def test_the_generator_neither_trains_nor_moves(images):
    """Neither do the statistics of the views; everything else does."""
    backbone = make(view_norm=True).train()
    fixed = ('generator.', 'view_norms.')
    assert not backbone.generator.training and not any(n.training for n in backbone.view_norms)
    assert backbone.trunk1.training and backbone.trunk2.bn1.training
    before = {key: tensor.clone() for key, tensor in backbone.state_dict().items()}
    optimiser = torch.optim.SGD(backbone.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        sum(m.square().mean() for m in backbone(images[1])).backward()
        optimiser.step()
    assert all(parameter.grad is None for parameter in backbone.generator.parameters())
    moved = {key for key, tensor in backbone.state_dict().items()
             if not torch.equal(tensor, before[key])}
    assert moved == {key for key in before if not key.startswith(fixed)}
    assert {n.split('.')[0] for n, p in backbone.named_parameters() if not p.requires_grad} == {
        'generator'}
    backbone.eval()
    assert not any(module.training for module in backbone.modules())


@pytest.mark.parametrize('norm_eval', [True, False])
def test_frozen_stages_and_norm_eval_are_those_of_the_trunks(norm_eval):
    backbone = make(frozen_stages=1, norm_eval=norm_eval).train()
    for trunk in (backbone.trunk1, backbone.trunk2):
        frozen = {name.split('.')[0] for name, p in trunk.named_parameters()
                  if not p.requires_grad}
        assert frozen == {'conv1', 'bn1', 'layer1'}
        assert not trunk.layer1.training and not trunk.bn1.training
        assert trunk.layer2[0].bn1.training != norm_eval


def test_mixed_precision_leaves_the_generator_in_full(images):
    backbone = make().eval()
    seen = []
    backbone.trunk1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.autocast('cpu', dtype=torch.bfloat16), torch.no_grad():
        maps = backbone(images[1])
    assert seen[0].dtype == torch.float32 and maps[0].dtype == torch.bfloat16
    expected = backbone.generator.views(images[0] / 255)[0]
    torch.testing.assert_close(seen[0], expected, rtol=1e-5, atol=1e-5)


def test_raw_views_by_config(images):
    backbone = TwoViewBackbone(**SMALL | dict(generator=dict(type='ColorSpaceGenerator',
                                                             space='YDbDr')))
    assert isinstance(backbone.generator, ColorSpaceGenerator)
    assert isinstance(make().generator, FlowGenerator)
    assert len(backbone(images[1])) == 4


@pytest.mark.parametrize('change, words', [
    (dict(mean=(0, 0)), r'mean and std need a value for each .* got mean=\(0, 0\)'),
    (dict(std=(1, 0, 1)), r'std above 0; got .* std=\(1, 0, 1\)'),
    (dict(in_channels=3), 'in_channels cannot be set: .* got 3'),
])
def test_bad_arguments_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        TwoViewBackbone(**SMALL | change)

"""Flows: exact inverse, log-determinant by autograd, pixel by pixel, starting as raw views."""

import math

import pytest
import torch
from mmengine.runner import load_checkpoint

from infomin_plugin.checkpoints import unpack_settings
from infomin_plugin.models import ColorSpaceGenerator, FlowGenerator
from infomin_plugin.registry import MODELS

SETTINGS = dict(in_space='RGB', coupling='additive', num_blocks=3, hidden_channels=16)
KINDS = [(coupling, mixing, in_space) for coupling in ('additive', 'affine')
         for mixing in ('permute', 'rotate') for in_space in ('RGB', 'YDbDr')]
LOG_DET_YDBDR = math.log(abs(torch.tensor([[0.299, 0.587, 0.114], [-0.45, -0.883, 1.333],
                                           [-1.333, 1.116, 0.217]]).double().det().item()))


def make(coupling='additive', mixing='permute', in_space='RGB', num_blocks=3, seed=0, **settings):
    """A flow with random weights in every layer, as large as PyTorch starts layers."""
    torch.manual_seed(seed)
    scale = dict(max_log_scale=1.0) if coupling == 'affine' else {}
    generator = FlowGenerator(**SETTINGS | dict(
        coupling=coupling, mixing=mixing, in_space=in_space, num_blocks=num_blocks)
        | scale | settings)
    for block in generator.blocks:
        for coupling_layer in (block.rest, block.first):
            coupling_layer.out.reset_parameters()
    return generator


@pytest.fixture
def images():
    return torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize('num_blocks', [1, 4, 16])
@pytest.mark.parametrize('coupling, mixing, in_space', KINDS)
@torch.no_grad()
def test_inverse_restores_every_pixel(coupling, mixing, in_space, num_blocks):
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    images[0, :, :, :16] = 0
    images[0, :, :, 16:] = 1
    for seed in range(3):
        generator = make(coupling, mixing, in_space, num_blocks, seed)
        z = generator(images)
        assert (z - images).abs().max() > 0.1
        assert (generator.inverse(z) - images).abs().max() <= 1e-5


@pytest.mark.parametrize('num_blocks', [1, 4])
@pytest.mark.parametrize('coupling, mixing, in_space', KINDS)
def test_log_det_is_that_of_autograds_jacobian(coupling, mixing, in_space, num_blocks, images):
    generator = make(coupling, mixing, in_space, num_blocks).double()
    images = images.double()
    pixels = images.movedim(1, -1).reshape(-1, 3)
    expected = [torch.autograd.functional.jacobian(
        lambda pixel: generator(pixel.view(1, 3, 1, 1)).flatten(), pixel).det().abs().log()
        for pixel in pixels]
    constant = LOG_DET_YDBDR if in_space == 'YDbDr' else 0  # of the fixed map, left out
    ours = generator.log_det(images)
    assert ours.shape == (2, 1, 7, 5)
    torch.testing.assert_close(ours.flatten() + constant, torch.stack(expected), rtol=0, atol=1e-6)
    if coupling == 'affine':
        assert ours.std() > 0.01  # differs from pixel to pixel


@pytest.mark.parametrize('mixing', ['permute', 'rotate'])
def test_additive_couplings_preserve_volume_exactly(mixing, images):
    z, log_det = make('additive', mixing, num_blocks=16).forward_with_log_det(images)
    assert torch.count_nonzero(log_det) == 0 and log_det.shape == (2, 1, 7, 5)
    assert z.shape == images.shape


@pytest.mark.parametrize('num_blocks', [1, 4, 16])
def test_affine_scales_are_bounded_at_any_depth(num_blocks, images):
    generator = make('affine', num_blocks=num_blocks, max_log_scale=0.5)
    with torch.no_grad():
        for block in generator.blocks:
            for coupling in (block.rest, block.first):
                coupling.out.weight.zero_()
                coupling.out.bias.fill_(100)
    log_det = generator.log_det(images)  # three channels, each at its bound
    torch.testing.assert_close(log_det, torch.full_like(log_det, 3 * 0.5))


@pytest.mark.parametrize('coupling, mixing, in_space', KINDS)
@torch.no_grad()
def test_permuting_pixels_commutes(coupling, mixing, in_space, images):
    generator = make(coupling, mixing, in_space)
    order = torch.randperm(35, generator=torch.Generator().manual_seed(2))

    def permute(tensor):
        return tensor.flatten(2)[:, :, order].view(tensor.shape)

    for function in (generator, generator.inverse, generator.log_det):
        torch.testing.assert_close(function(permute(images)), permute(function(images)),
                                   rtol=0, atol=1e-6)


@pytest.mark.parametrize('mixing', ['permute', 'rotate'])
@pytest.mark.parametrize('coupling', ['additive', 'affine'])
@pytest.mark.parametrize('in_space', ['RGB', 'YDbDr'])
def test_starts_as_the_raw_space(in_space, coupling, mixing, images):
    scale = dict(max_log_scale=2.0) if coupling == 'affine' else {}
    generator = FlowGenerator(**SETTINGS | dict(in_space=in_space, coupling=coupling), **scale,
                              mixing=mixing)
    generator.init_weights()
    raw = ColorSpaceGenerator(in_space)
    torch.testing.assert_close(generator(images), raw(images), rtol=0, atol=1e-6)
    assert torch.count_nonzero(generator.log_det(images)) == 0


@pytest.mark.parametrize('mixing', ['permute', 'rotate'])
@pytest.mark.parametrize('coupling', ['additive', 'affine'])
def test_two_blocks_make_every_channel_depend_on_every_other(coupling, mixing, images):
    generator = make(coupling, mixing, num_blocks=2).double()
    jacobian = torch.autograd.functional.jacobian(
        lambda pixel: generator(pixel.view(1, 3, 1, 1)).flatten(), images[0, :, 0, 0].double())
    assert jacobian.abs().min() > 1e-4


@pytest.mark.parametrize('coupling, mixing, in_space', KINDS)
def test_gradient_reaches_images_and_all_parameters(coupling, mixing, in_space, images):
    generator = make(coupling, mixing, in_space)
    images.requires_grad_()
    generator(images).square().sum().backward()
    assert images.grad.abs().min() > 0
    for name, parameter in generator.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_a_learner_at_the_start_gets_a_gradient(images):
    generator = FlowGenerator(**SETTINGS)
    generator(images).square().sum().backward()
    assert all(block.first.out.weight.grad.abs().max() > 0 for block in generator.blocks)


@pytest.mark.parametrize('channels', [((0, ), (1, 2)), ((2, ), (0, 1)), ([1], [2, 0])])
def test_views_are_the_channels_asked_for(channels, images):
    generator = make(channels=channels)
    z = generator(images)
    first, second = generator.views(images)
    assert first.shape == (2, 1, 7, 5) and second.shape == (2, 2, 7, 5)
    assert torch.equal(first, z[:, list(channels[0])])
    assert torch.equal(second, z[:, list(channels[1])])


def test_half_precision_does_not_break_the_inverse(images):
    generator = make('affine', num_blocks=4)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        z = generator(images)
        assert z.dtype == torch.float32
        assert (generator.inverse(z) - images).abs().max() <= 1e-5
        assert generator(images.bfloat16()).dtype == torch.float32


def test_is_built_by_config():
    assert isinstance(MODELS.build(dict(type='FlowGenerator', **SETTINGS)), FlowGenerator)


@pytest.mark.parametrize('change, words', [
    (dict(in_space='Lab'), "in_space must be one of .*, got 'Lab'"),
    (dict(coupling='spline'), "coupling must be one of .*, got 'spline'"),
    (dict(mixing='swap'), "mixing must be one of .*, got 'swap'"),
    (dict(num_blocks=0), 'num_blocks must be an integer of at least 1, got 0'),
    (dict(hidden_channels=1.5), 'hidden_channels must be an integer of at least 1, got 1.5'),
    (dict(max_log_scale=1.0), 'max_log_scale must be absent for additive'),
    (dict(coupling='affine'), 'max_log_scale must be a finite number above 0 .*, got None'),
    (dict(coupling='affine', max_log_scale=-1), 'max_log_scale must be .* above 0.*, got -1'),
    (dict(channels=((0, ), (1, ))), r'channels must be a split .*, got \(\(0,\), \(1,\)\)'),
    (dict(channels=((0, 1), (2, ))), 'channels must be a split of the channels 0, 1, 2 into one'),
    (dict(channels=((0, ), (0, 1))), 'channels must be a split'),
    (dict(channels=3), 'channels must be a split .*, got 3'),
])
def test_bad_arguments_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        FlowGenerator(**SETTINGS | change)


@pytest.mark.parametrize('shape', [(3, 8, 8), (1, 1, 8, 8), (2, 4, 8, 8)])
def test_other_shapes_are_refused(shape):
    for generator in (FlowGenerator(**SETTINGS), ColorSpaceGenerator('Lab')):
        for function in (generator, generator.inverse, generator.log_det, generator.views):
            with pytest.raises(ValueError, match=r'takes N×3×H×W images, got \('):
                function(torch.rand(shape))


def test_weights_of_other_settings_are_refused(tmp_path, images):
    """mixing and in_space have no weights: their checkpoints would load, and mean another map."""
    generator = make(mixing='permute')
    path = str(tmp_path / 'flow.pth')
    torch.save(dict(state_dict=generator.state_dict()), path)
    again = FlowGenerator(**SETTINGS, init_cfg=dict(type='Pretrained', checkpoint=path))
    again.init_weights()
    assert torch.equal(again(images), generator(images))
    for change in (dict(mixing='rotate'), dict(in_space='YDbDr'), dict(channels=((1, ), (0, 2)))):
        with pytest.raises(ValueError, match="checkpoint is .*'mixing': 'permute'.*set the same"):
            load_checkpoint(FlowGenerator(**SETTINGS | change), path, strict=False)
    settings = unpack_settings(generator.state_dict()['settings'])
    rebuilt = MODELS.build(settings)
    rebuilt.load_state_dict(generator.state_dict())
    assert torch.equal(rebuilt(images), generator(images))

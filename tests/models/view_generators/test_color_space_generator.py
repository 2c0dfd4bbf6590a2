"""Colour spaces against scikit-image's constants, OpenCV and Python's colorsys."""

import colorsys

import cv2
import numpy as np
import pytest
import torch

from infomin_plugin.models import ColorSpaceGenerator

# scikit-image 0.2x, skimage/color/colorconv.py
MATRICES = {
    'RGB': np.eye(3),
    'YDbDr': np.array([[0.299, 0.587, 0.114], [-0.45, -0.883, 1.333], [-1.333, 1.116, 0.217]]),
    'YIQ': np.array([[0.299, 0.587, 0.114], [0.59590059, -0.27455667, -0.32134392],
                     [0.21153661, -0.52273617, 0.31119955]]),
    'YPbPr': np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5],
                       [0.5, -0.418688, -0.081312]]),
    'YCbCr': np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0],
                       [112.0, -93.786, -18.214]]),
}
OFFSETS = {'YCbCr': [16, 128, 128]}
SPACES = [*MATRICES, 'Lab', 'HSV']
LEVELS = np.array([0, 1, 8, 10, 11, 63, 128, 254, 255]) / 255  # around the knees, and the ends


@pytest.fixture(scope='module')
def images():
    """All combinations of some levels, greys among them, and random colours: 1×3×30×30."""
    grid = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), axis=-1).reshape(-1, 3)
    others = np.random.default_rng(0).random((900 - len(grid), 3))
    pixels = torch.from_numpy(np.concatenate([grid, others])).float()
    return pixels.T.reshape(1, 3, 30, 30)


def as_pixels(images):
    return images.double().movedim(1, -1).reshape(-1, 3).numpy()


def skimage_lab(rgb):
    """skimage.color.rgb2lab, D65 and the 2° observer, in float64."""
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055)**2.4, rgb / 12.92)
    xyz = linear @ np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169],
                             [0.019334, 0.119193, 0.950227]]).T
    xyz = xyz / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


@pytest.mark.parametrize('space', MATRICES)
def test_linear_spaces_are_scikit_images(space, images):
    expected = as_pixels(images) @ MATRICES[space].T + OFFSETS.get(space, 0)
    np.testing.assert_allclose(as_pixels(ColorSpaceGenerator(space)(images)), expected,
                               rtol=1e-6, atol=1e-6)


def test_lab_is_scikit_images_and_opencvs(images):
    ours = as_pixels(ColorSpaceGenerator('Lab')(images))
    # scikit-image rounds the knee and the slope below it
    np.testing.assert_allclose(ours, skimage_lab(as_pixels(images)), rtol=0, atol=2e-3)
    opencv = cv2.cvtColor(as_pixels(images).astype(np.float32)[None], cv2.COLOR_RGB2Lab)[0]
    np.testing.assert_allclose(ours, opencv, rtol=0, atol=0.5)  # OpenCV interpolates tables


def test_hsv_is_colorsys(images):
    expected = [colorsys.rgb_to_hsv(*pixel) for pixel in as_pixels(images)]
    ours = as_pixels(ColorSpaceGenerator('HSV')(images))
    np.testing.assert_allclose(ours[:, 1:], np.array(expected)[:, 1:], rtol=0, atol=1e-6)
    turn = np.abs(ours[:, 0] - np.array(expected)[:, 0])
    assert np.minimum(turn, 1 - turn).max() < 1e-5


def test_hsv_back_is_colorsys():
    hsv = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    expected = [colorsys.hsv_to_rgb(*pixel) for pixel in as_pixels(hsv)]
    np.testing.assert_allclose(as_pixels(ColorSpaceGenerator('HSV').inverse(hsv)), expected,
                               rtol=0, atol=1e-5)


@pytest.mark.parametrize('space', SPACES)
def test_round_trip(space, images):
    generator = ColorSpaceGenerator(space)
    assert (generator.inverse(generator(images)) - images).abs().max() <= 1e-5


@pytest.mark.parametrize('space', SPACES)
def test_log_det_is_that_of_autograds_jacobian(space):
    generator = ColorSpaceGenerator(space)
    images = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(3)).double()
    images[0, :, 0, 0] = torch.tensor([0.01, 0.02, 0.03])  # below the knees
    expected = [torch.autograd.functional.jacobian(
        lambda pixel: generator(pixel.view(1, 3, 1, 1)).flatten(), pixel).det().abs().log()
        for pixel in images.movedim(1, -1).reshape(-1, 3)]
    ours = generator.log_det(images)
    assert ours.shape == (1, 1, 5, 6)
    torch.testing.assert_close(ours.flatten(), torch.stack(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize('space', SPACES)
def test_gradient_of_any_colour_is_finite(space, images):
    images = images.clone().requires_grad_()
    ColorSpaceGenerator(space)(images).sum().backward()
    assert torch.isfinite(images.grad).all()


@pytest.mark.parametrize('space', SPACES)
def test_has_nothing_to_learn_and_acts_on_pixels(space, images):
    generator = ColorSpaceGenerator(space)
    assert list(generator.parameters()) == []
    turned = generator(images.flip(2).transpose(2, 3))
    torch.testing.assert_close(turned, generator(images).flip(2).transpose(2, 3),
                               rtol=1e-5, atol=1e-4)


def test_split_by_config(images):
    generator = ColorSpaceGenerator('HSV', channels=((2, ), (0, 1)))
    value, rest = generator.views(images)
    assert torch.equal(value[:, 0], images.amax(dim=1)) and rest.shape == (1, 2, 30, 30)


def test_greys_have_no_volume_in_hsv():
    greys = torch.full((1, 3, 1, 2), 0.5)
    assert torch.isposinf(ColorSpaceGenerator('HSV').log_det(greys)).all()


def test_unknown_space_is_named():
    with pytest.raises(ValueError, match="space must be one of .*'HSV'.*, got 'XYZ'"):
        ColorSpaceGenerator('XYZ')


def test_another_space_is_refused_when_weights_are_loaded():
    with pytest.raises(ValueError, match="checkpoint is .*'Lab'.*config.*'YIQ'"):
        ColorSpaceGenerator('YIQ').load_state_dict(ColorSpaceGenerator('Lab').state_dict())

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image

from infomin_plugin.models import FrequencySplit


@pytest.fixture(scope='module')
def photograph():
    """1×3×60×81 in [0, 1]."""
    image = load_sample_image('china.jpg')[100:160, 200:281]
    return torch.from_numpy(image / 255).float().permute(2, 0, 1)[None]


@pytest.mark.parametrize('sigma', [0.0, 0.3, 0.7, 3.0, 40.0, math.inf])
def test_low_and_high_sum_to_the_image(photograph, sigma):
    low, high = FrequencySplit(sigma).views(photograph)
    torch.testing.assert_close(low + high, photograph)
    assert low.min() >= -1e-5 and low.max() <= 1 + 1e-5


@pytest.mark.parametrize('sigma', [1.0, 2.5, 12.0])
def test_is_scipys_blur(photograph, sigma):
    low, _ = FrequencySplit(sigma).views(photograph)
    expected = gaussian_filter(photograph[0].double().numpy(), (0, sigma, sigma), truncate=8,
                               mode='reflect')
    np.testing.assert_allclose(low[0].numpy(), expected, atol=1e-3)


@pytest.mark.parametrize('sigma', [0.2, 0.7, 4.0])
def test_a_cosine_is_scaled_by_the_transform_of_the_gaussian(sigma):
    side, turns = 64, 5
    frequency = math.pi * turns / side
    wave = torch.cos(frequency * (torch.arange(side) + 0.5)).expand(1, 3, side, side)
    low, _ = FrequencySplit(sigma).views(wave)
    torch.testing.assert_close(low, math.exp(-(sigma * frequency)**2 / 2) * wave)


def test_limits(photograph):
    low, high = FrequencySplit(0).views(photograph)
    torch.testing.assert_close(low, photograph)
    assert high.abs().max() < 1e-5
    low, _ = FrequencySplit(1e9).views(photograph)
    torch.testing.assert_close(low, photograph.mean(dim=(2, 3), keepdim=True).expand_as(low))


def test_energy_of_the_low_view_falls_with_sigma(photograph):
    energies = [FrequencySplit(s).views(photograph)[0].var().item() for s in (0, 0.5, 1, 2, 4, 8)]
    assert energies == sorted(energies, reverse=True)


@pytest.mark.parametrize('sigma', [-1.0, math.nan])
def test_sigma_must_not_be_negative(sigma):
    with pytest.raises(ValueError, match='sigma must be 0 or more, got'):
        FrequencySplit(sigma)


def test_takes_images_only():
    with pytest.raises(ValueError, match=r'N×3×H×W images, got \(2, 1, 4, 4\)'):
        FrequencySplit(1.0).views(torch.zeros(2, 1, 4, 4))

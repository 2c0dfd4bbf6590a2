"""Photographs, and chance that repeats, for the tests of the transforms."""

import cv2
import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images


@pytest.fixture(autouse=True)
def seed():
    """Seed what the transforms and torchvision's draw from, and keep OpenCV on one thread."""
    cv2.setNumThreads(0)
    np.random.seed(20)
    torch.manual_seed(20)


@pytest.fixture(scope='session', params=[0, 1], ids=['china', 'flower'])
def photo(request):
    """A photograph, (160, 200, 3), uint8, RGB; reduced so that it has detail at every pixel."""
    image = load_sample_images().images[request.param]
    image = cv2.resize(image, (250, 170), interpolation=cv2.INTER_AREA)[5:165, 20:220].copy()
    image.setflags(write=False)
    return image

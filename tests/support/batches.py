"""Photographs as batches, and how far two results are apart."""

import cv2
import numpy as np
import torch
from torch import Tensor


def to_batch(images) -> Tensor:
    """Stack images (H, W, 3), uint8: (N, 3, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


def to_images(batch: Tensor) -> np.ndarray:
    """Bring the channels of a batch to the end: (N, H, W, 3)."""
    return batch.permute(0, 2, 3, 1).contiguous().numpy()


def differences(batch: Tensor, references) -> np.ndarray:
    """Distances in grey levels: (N, H, W, 3)."""
    assert batch.dtype == torch.uint8
    references = np.stack([np.asarray(reference) for reference in references])
    return np.abs(to_images(batch).astype(float) - references)


def variants(photo: np.ndarray, number: int, size=None) -> list[np.ndarray]:
    """Make ``number`` different images of one: bright, dark, of few levels, flat, noise, ..."""
    if size is not None:
        photo = cv2.resize(photo, size[::-1], interpolation=cv2.INTER_AREA)
    noise = np.random.RandomState(0).randint(0, 256, photo.shape, np.uint8)
    kinds = [photo, (photo // 3 + np.array([40, 90, 10])).astype(np.uint8), noise,
             photo // 32 * 32, photo[::-1, ::-1], np.full_like(photo, 77),
             np.maximum(photo, 200) // 255 * 255, photo[..., ::-1]]
    return [kinds[i % len(kinds)].copy() for i in range(number)]

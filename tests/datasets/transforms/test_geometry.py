"""Crops, flips and patches against torchvision and closed forms."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from torchvision import transforms as torchvision_transforms
from torchvision.transforms import functional

from infomin_plugin.datasets.transforms import (
    CenterCrop,
    CenterResizedCrop,
    JigsawPatches,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
)
from infomin_plugin.datasets.transforms.operations.resampling import crop

LEVEL = 1e-3  # significance of the tests of distributions; seeds are fixed


def boxes(crop, height, width, draws):
    return np.array([crop.draw_box(height, width) for _ in range(draws)])


@pytest.mark.parametrize('size', [(64, 64), (255, 31), (7, 300)])
@pytest.mark.parametrize('box', [(10, 20, 120, 150), (0, 0, 160, 200), (30, 40, 30, 20),
                                 (5, 5, 40, 180), (3, 7, 1, 1), (0, 0, 64, 64), (159, 0, 1, 200)])
def test_crop_and_resize_is_torchvisions_bit_for_bit(photo, box, size):
    reference = functional.resized_crop(Image.fromarray(photo), *box, size)
    np.testing.assert_array_equal(crop(photo, box, size), np.asarray(reference))


@pytest.mark.parametrize('box', [(10.25, 20.5, 100.5, 130.75), (0, 0, 159.5, 199.5)])
def test_boxes_between_pixels_are_pillows(photo, box):
    top, left, height, width = box
    # Pillow also reads pixels beyond the box, if the filter reaches there.
    reference = Image.fromarray(photo).resize(
        (64, 48), Image.Resampling.BILINEAR, (left, top, left + width, top + height))
    error = np.abs(crop(photo, box, (48, 64)).astype(int) - np.asarray(reference))
    assert error[2:-2, 2:-2].max() == 0
    assert error.mean() < 0.2


def test_area_is_uniform_and_ratio_log_uniform():
    # In a square so large that no draw is rejected, the draws are the nominal ones.
    _, _, height, width = boxes(RandomResizedCrop(64, (0.1, 0.5)), 20000, 20000, 3000).T
    area, ratio = height * width / 20000**2, np.log(width / height)
    assert stats.kstest(area, stats.uniform(0.1, 0.4).cdf).pvalue > LEVEL
    low, high = np.log([3 / 4, 4 / 3])
    assert stats.kstest(ratio, stats.uniform(low, high - low).cdf).pvalue > LEVEL
    # The test has the power to tell the scale of a memory bank's recipe from this one.
    assert stats.kstest(area, stats.uniform(0.08, 0.42).cdf).pvalue < LEVEL


@pytest.mark.parametrize('scale', [(0.2, 1), (0.08, 1), (0.6, 1)])
def test_boxes_in_a_photograph_are_distributed_as_torchvisions(scale):
    # Near scale 1 many draws do not fit and are repeated, or fall back to the centre.
    image = Image.new('RGB', (500, 375))
    theirs = np.array([torchvision_transforms.RandomResizedCrop.get_params(
        image, scale, (3 / 4, 4 / 3)) for _ in range(2500)])
    ours = boxes(RandomResizedCrop(224, scale), 375, 500, 2500)
    for column in range(4):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > LEVEL
    assert stats.ks_2samp(ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3]).pvalue > LEVEL


@pytest.mark.parametrize('height, width', [(10, 1000), (1000, 10), (1, 50), (50, 1)])
def test_fallback_of_narrow_images_is_torchvisions(height, width):
    theirs = torchvision_transforms.RandomResizedCrop.get_params(
        Image.new('RGB', (width, height)), (0.9, 1), (3 / 4, 4 / 3))
    assert RandomResizedCrop(64, (0.9, 1)).draw_box(height, width) == theirs


def test_crop_takes_height_and_width():
    out = RandomResizedCrop((20, 30))(dict(img=np.zeros((50, 50, 3), np.uint8)))['img']
    assert out.shape == (20, 30, 3)


def test_center_crop_is_resize_and_center_crop(photo):
    reference = functional.center_crop(functional.resize(Image.fromarray(photo), 64), 56)
    ours = CenterResizedCrop(56, 56 / 64)(dict(img=photo))['img']
    assert ours.shape == (56, 56, 3)
    # The same region, up to the rounding of its edges to pixels.
    assert np.abs(ours.astype(int) - np.asarray(reference).astype(int)).mean() < 4


def test_flip_mirrors_half_of_the_images(photo):
    outputs = [RandomFlip(0.5)(dict(img=photo))['img'] for _ in range(400)]
    flipped = sum(np.array_equal(out, photo[:, ::-1]) for out in outputs)
    kept = sum(np.array_equal(out, photo) for out in outputs)
    assert flipped + kept == 400
    assert stats.binomtest(flipped, 400, 0.5).pvalue > LEVEL


def coordinates(side):
    """An image whose pixels hold their row and column."""
    image = np.zeros((side, side, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(side)[:, None], np.arange(side)
    return image


def test_patches_lie_at_uniform_offsets_in_their_cells():
    cut, image = JigsawPatches(cell=85, patch=64), coordinates(255)
    offsets = []
    for _ in range(250):
        patches = cut(dict(img=image))['img']
        assert patches.shape == (9, 64, 64, 3)
        for i, patch in enumerate(patches):
            top, left = patch[0, 0, :2].astype(int)
            np.testing.assert_array_equal(patch, image[top:top + 64, left:left + 64])
            offsets.append((top - i // 3 * 85, left - i % 3 * 85))
    for axis in zip(*offsets, strict=True):
        assert min(axis) == 0 and max(axis) == 21
        assert stats.chisquare(np.bincount(axis, minlength=22)).pvalue > LEVEL
    down, right = np.array(offsets).T
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.08


@pytest.mark.parametrize('cell, patch, grid', [(32, 24, 3), (10, 10, 3), (16, 1, 2)])
def test_patches_of_other_sizes(cell, patch, grid):
    out = JigsawPatches(cell, patch, grid)(dict(img=coordinates(cell * grid)))['img']
    assert out.shape == (grid**2, patch, patch, 3)


def test_patches_refuse_images_of_another_size():
    with pytest.raises(ValueError, match='255x255 px, got 224x200'):
        JigsawPatches(85, 64)(dict(img=np.zeros((200, 224, 3), np.uint8)))


@pytest.mark.parametrize('size', [64, (90, 33), 95])
def test_random_crop_is_a_uniform_part_of_the_image(size):
    height, width = (size, size) if isinstance(size, int) else size
    image, transform = coordinates(96), RandomCrop(size)
    corners = []
    for _ in range(1000):
        part = transform(dict(img=image))['img']
        top, left = part[0, 0, :2].astype(int)
        np.testing.assert_array_equal(part, image[top:top + height, left:left + width])
        assert part.shape == (height, width, 3)
        corners.append((top, left))
    for axis, room in zip(np.transpose(corners), (96 - height, 96 - width), strict=True):
        assert stats.chisquare(np.bincount(axis, minlength=room + 1)).pvalue > LEVEL
    if height < 96:
        assert abs(np.corrcoef(*np.transpose(corners))[0, 1]) < 0.1


def test_center_crop_is_torchvisions(photo):
    for size in (64, (160, 34), (8, 200)):
        reference = functional.center_crop(Image.fromarray(photo), size)
        np.testing.assert_array_equal(CenterCrop(size)(dict(img=photo))['img'], reference)


@pytest.mark.parametrize('transform', [RandomCrop, CenterCrop])
def test_crops_without_resizing_refuse_smaller_images(transform):
    message = rf'{transform.__name__} cuts 64x32 px .*got one of 60x90 px'
    with pytest.raises(ValueError, match=message):
        transform((64, 32))(dict(img=np.zeros((60, 90, 3), np.uint8)))


@pytest.mark.parametrize('build, message', [
    (lambda: RandomCrop((64, 0)), r'size\[1\] must be at least 1'),
    (lambda: RandomResizedCrop(0), 'size must be at least 1'),
    (lambda: RandomResizedCrop((224, )), 'size must be an integer or a pair'),
    (lambda: RandomResizedCrop(224, (0.5, 0.2)), r'scale must be \(min, max\)'),
    (lambda: RandomResizedCrop(224, (0, 1)), 'must be above 0'),
    (lambda: RandomResizedCrop(224, (0.2, 1.5)), r'scale\[1\] must be in \[0, 1\], got 1.5'),
    (lambda: RandomResizedCrop(8, scale='0.2'), 'scale must be a pair'),
    (lambda: RandomFlip(1.5), r'prob must be in \[0, 1\], got 1.5'),
    (lambda: JigsawPatches(64, 85), 'patch must be at most cell = 64, got 85'),
    (lambda: CenterResizedCrop(64, 2), r'crop_ratio must be in \[0, 1\]'),
])
def test_bad_arguments_are_named(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()


def test_a_number_is_the_lower_bound_of_the_scale():
    assert RandomResizedCrop(8, scale=0.3).scale == RandomResizedCrop(8, scale=(0.3, 1)).scale
    with pytest.raises(ValueError, match='scale'):
        RandomResizedCrop(8, scale=1.5)

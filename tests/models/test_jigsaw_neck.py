from collections import Counter

import torch
from torch import nn

from infomin_plugin.models import JigsawNeck


def neck_that_shows_its_input(num_patches=3):
    """Patches embed to their own value, and the projection shows all of them."""
    neck = JigsawNeck(
        patch_neck=dict(
            type='mmselfsup.LinearNeck', in_channels=1, out_channels=num_patches),
        channels=num_patches,
        num_patches=num_patches)
    with torch.no_grad():
        neck.patch_neck.fc.weight.fill_(1)
        neck.patch_neck.fc.bias.zero_()
        # output p = first channel of the patch in place p
        neck.projection.weight.zero_()
        neck.projection.bias.zero_()
        for place in range(num_patches):
            neck.projection.weight[place, place * num_patches] = 1
    return neck


def feature_map(values):
    return (torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1), )


def test_keeps_the_patches_of_an_image_together():
    shown = neck_that_shows_its_input()(feature_map([1, 2, 3, 10, 20, 30]))[0]
    assert sorted(shown[0].tolist()) == [1, 2, 3]
    assert sorted(shown[1].tolist()) == [10, 20, 30]


def test_every_order_is_as_likely():
    torch.manual_seed(0)
    draws = 6000
    shown = neck_that_shows_its_input()(feature_map([1, 2, 3] * draws))[0]
    counts = Counter(tuple(row) for row in shown.int().tolist())
    assert len(counts) == 6
    chi_square = sum((count - draws / 6) ** 2 / (draws / 6) for count in counts.values())
    assert chi_square < 20.5  # 99.9% point at 5 degrees of freedom


def test_orders_of_two_images_are_independent():
    torch.manual_seed(0)
    shown = neck_that_shows_its_input()(feature_map([1, 2, 3] * 2000))[0].int().tolist()
    same = sum(first == second for first, second in zip(shown[::2], shown[1::2], strict=True))
    assert 120 < same < 215  # 1000 pairs, one in six, 4 deviations


def test_head_of_the_paper_has_its_size():
    neck = JigsawNeck(
        patch_neck=dict(type='mmselfsup.MoCoV2Neck', in_channels=32, hid_channels=32,
                        out_channels=128),
        channels=128)
    assert isinstance(neck.projection, nn.Linear)
    assert (neck.projection.in_features, neck.projection.out_features) == (9 * 128, 128)
    assert neck((torch.randn(18, 32, 2, 2), ))[0].shape == (2, 128)

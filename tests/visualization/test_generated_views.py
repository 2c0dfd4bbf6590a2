import numpy as np
import torch
from PIL import Image

from infomin_plugin.visualization.generated_views import ViewsRow, display, draw_view_rows


def test_percentiles_of_the_batch_become_black_and_white():
    ramp = torch.linspace(-3, 7, 10000).reshape(4, 1, 50, 50)
    pictures = display([ramp, torch.cat([ramp * 100, ramp], dim=1)])
    assert len(pictures) == 4 and all(len(image) == 3 for image in pictures)
    grey = np.stack([image[0] for image in pictures]).ravel()
    assert grey.dtype == np.uint8 and np.all(np.diff(grey.astype(int)) >= 0)
    # one percent at either end is cut off, the middle is in the middle
    assert (grey == 0).mean() == (grey == 255).mean()
    assert 0.01 < (grey == 0).mean() < 0.013
    assert abs(int(grey[5000]) - 127) <= 1
    for channel in (1, 2):  # whatever the scale
        np.testing.assert_array_equal(np.stack([image[channel] for image in pictures]).ravel(),
                                      grey)


def test_an_outlier_leaves_the_rest_visible():
    view = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    view[0, 0, 0, 0] = 1e4
    assert display([view])[0][0].std() > 50


def test_a_constant_channel_is_grey():
    assert np.all(display([torch.full((2, 1, 4, 4), 3.7)])[0][0] == 128)


def test_draws_a_row_a_regime(tmp_path):
    images = torch.rand(2, 3, 16, 16)
    views = images[:, :1], images[:, 1:]
    draw_view_rows(images, [ViewsRow('raw, RGB', views), ViewsRow('learned, RGB', views, views)],
                   tmp_path / 'views.png')
    with Image.open(tmp_path / 'views.png') as picture:
        assert np.asarray(picture.convert('L')).std() > 5

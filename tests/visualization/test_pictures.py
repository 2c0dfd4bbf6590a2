import numpy as np
import pytest
from PIL import Image

from infomin_plugin.visualization.curves import draw_knn_curves
from infomin_plugin.visualization.detections import contact_sheet


def write(path, colour, size):
    Image.new('RGB', size, colour).save(path)
    return path


def test_tiles_pictures_of_different_shapes(tmp_path):
    paths = [write(tmp_path / 'a.png', (255, 0, 0), (40, 20)),
             write(tmp_path / 'b.png', (0, 255, 0), (20, 20)),
             write(tmp_path / 'c.png', (0, 0, 255), (80, 40))]
    sheet = contact_sheet(paths, columns=2, width=20)
    assert sheet.shape == (40, 40, 3) and sheet.dtype == np.uint8
    assert sheet[5, 10].tolist() == [255, 0, 0]
    assert sheet[15, 30].tolist() == [0, 255, 0]
    assert sheet[25, 10].tolist() == [0, 0, 255]
    assert sheet[15, 10].tolist() == sheet[30, 30].tolist() == [255, 255, 255]


def test_needs_a_picture():
    with pytest.raises(ValueError, match='no pictures'):
        contact_sheet([])


def test_the_plot_shows_the_curve_and_the_random_start(tmp_path):
    low = [dict(epoch=0, test=10.0), dict(epoch=1, test=10.0)]
    high = [dict(epoch=0, test=10.0), dict(epoch=1, test=90.0)]
    pictures = []
    for name, curve in (('low', low), ('high', high)):
        draw_knn_curves({'infomin': curve}, tmp_path / f'{name}.png')
        pictures.append(np.asarray(Image.open(tmp_path / f'{name}.png')))
    assert pictures[0].shape == pictures[1].shape
    assert (pictures[0] != pictures[1]).any()

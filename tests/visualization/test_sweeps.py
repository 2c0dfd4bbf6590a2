import math

import numpy as np
from PIL import Image

from infomin_plugin.evaluation.peak import Peak, fit_peak
from infomin_plugin.visualization.sweeps import CurvePoint, draw_sweep

POINTS = [CurvePoint(f'{x:g}', (x, 0.1), (50 - 3 * (x - 2)**2, 0.5), 4.85)
          for x in (0.5, 1.0, 2.0, 3.0, 3.5)]


def draw(tmp_path, tasks):
    out = tmp_path / 'sweep.png'
    draw_sweep(dict.fromkeys(tasks, POINTS), tasks, 'sigma, px', out)
    return np.asarray(Image.open(out).convert('RGB')).astype(int)


def oranges(picture):
    """How much of a picture is the colour of a peak, on white."""
    red, green, blue = picture.transpose(2, 0, 1)
    return ((red > 240) & (blue < red - 30) & (green < red - 10)).mean()


def test_a_peak_is_marked_where_there_is_one(tmp_path):
    x = [point.i_nce[0] for point in POINTS]
    peak = fit_peak(x, [point.accuracy[0] for point in POINTS])
    assert peak.supported
    wide = peak._replace(low=1.5, high=2.5)
    assert oranges(draw(tmp_path, dict(test=wide))) > 0.02
    nothing = wide._replace(supported=False, reason='too few points')
    assert oranges(draw(tmp_path, dict(test=nothing))) == 0


def test_a_panel_a_task_and_no_curve_without_numbers(tmp_path):
    nan = math.nan
    none = Peak(nan, nan, nan, nan, False, 'too few points', (nan, nan, nan))
    one, two = (draw(tmp_path, dict.fromkeys(tasks, none)) for tasks in ('a', 'ab'))
    assert two.shape[1] > 1.7 * one.shape[1] and two.shape[0] == one.shape[0]
    assert (one < 128).any()

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from infomin_plugin.datasets.transforms import LoadImage, PatchPair


@pytest.fixture
def coordinates():
    """An image whose first two channels say where a pixel is."""
    img = np.zeros((90, 120, 3), np.uint8)
    img[..., 0], img[..., 1] = np.arange(90)[:, None], np.arange(120)
    return img


@pytest.mark.parametrize('distance', [0, 1, 16, 58])
def test_the_offset_is_exact(coordinates, distance):
    pair = PatchPair(distance=distance, size=32)
    np.random.seed(0)
    seen = set()
    for _ in range(20):
        views = pair(dict(img=coordinates))['views']
        assert [view.shape for view in views] == [(32, 32, 3)] * 2
        for view in views:  # cut out, not resized
            rows, columns = np.mgrid[:32, :32]
            assert (view[..., 0] - view[0, 0, 0] == rows).all()
            assert (view[..., 1] - view[0, 0, 1] == columns).all()
        (y1, x1), (y2, x2) = (view[0, 0, :2].astype(int) for view in views)
        assert y2 - y1 == x2 - x1 and abs(y2 - y1) == distance
        seen.add(y2 - y1)
    assert seen == {distance, -distance}


def test_places_are_uniform_where_both_fit():
    pair, random = PatchPair(distance=20, size=40), np.random.RandomState(0)
    corners = []
    for _ in range(8000):
        boxes = [change.arguments[0] for change in pair.draw((70, 75), random)]
        corners.append(min(box[:2] for box in boxes))
        assert all(0 <= top <= 70 - h and 0 <= left <= 75 - w for top, left, h, w in boxes)
    counts = np.zeros((11, 16))
    for top, left in corners:
        counts[top, left] += 1
    assert counts.sum() == 8000 and stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_each_patch_gets_randomness_of_its_own(coordinates):
    pair = PatchPair(distance=0, size=32, recipe=[dict(type='RandomFlip', prob=0.5)])
    np.random.seed(0)
    views = [pair(dict(img=coordinates))['views'] for _ in range(40)]
    assert 8 < sum((first == second).all() for first, second in views) < 32


def test_reads_files(tmp_path, photo):
    path = tmp_path / 'photo.jpg'
    Image.fromarray(photo).save(path, quality=95)
    loaded = LoadImage()(dict(img_path=str(path)))
    np.random.seed(3)
    ours = PatchPair(distance=40)(loaded)
    np.random.seed(3)
    expected = PatchPair(distance=40)(dict(img=np.asarray(Image.open(path))))
    assert ours['patches'] == []
    for view, same in zip(ours['views'], expected['views'], strict=True):
        assert np.abs(view.astype(int) - same).max() <= 1


def test_a_small_image_is_named(coordinates):
    with pytest.raises(ValueError, match=r'a.png: PatchPair needs 94 px a side .* 90x120 px'):
        PatchPair(distance=30)(dict(img=coordinates, img_path='a.png'))


@pytest.mark.parametrize('distance, error', [(-1, ValueError), (2.5, TypeError), (True, TypeError)])
def test_distance_must_be_whole(distance, error):
    with pytest.raises(error, match='distance must be a'):
        PatchPair(distance=distance)

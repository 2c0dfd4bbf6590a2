"""Colorful Moving-MNIST: what views share and what not, and that they show what labels say."""

import pickle

import cv2
import numpy as np
import pytest
import torch
from scipy import stats
from torch.utils.data import DataLoader, default_collate

from infomin_plugin.datasets import ColorfulMovingMNIST
from infomin_plugin.models import ViewDataPreprocessor
from infomin_plugin.registry import DATASETS

SETS_OF_FACTORS = [
    ('digit', ), ('position', ), ('background', ), ('digit', 'position'),
    ('digit', 'background'), ('position', 'background'), ('digit', 'position', 'background')]
PACK = [dict(type='PackViews', meta_keys=('gt_label', 'background', 'position'))]
SPAN = 64 - 28


@pytest.fixture(scope='module')
def photographs(tmp_path_factory):
    """Three classes of four images, 96×80 px, of noise that leaves room for white above it."""
    root = tmp_path_factory.mktemp('photographs')
    rng = np.random.default_rng(0)
    for name in ('bird', 'cat', 'deer'):
        (root / name).mkdir()
        for index in range(4):
            cv2.imwrite(str(root / name / f'{index}.png'),
                        rng.integers(0, 150, (96, 80, 3), np.uint8))
    return root


def folder(root, **options):
    return dict(type='ImageFolder', data_root=str(root), with_labels=True,
                pipeline=[dict(type='LoadImage')], **options)


def build(root, shared=('digit', ), length=40, **options):
    options = dict(digits='sklearn', cache=True) | options
    return DATASETS.build(dict(type='ColorfulMovingMNIST', backgrounds=folder(root),
                               shared=list(shared), length=length, **options))


def same(one, other):
    for a, b in zip(one['views'], other['views'], strict=True):
        np.testing.assert_array_equal(a, b)
    assert repr(one['first']) == repr(other['first'])
    assert repr(one['second']) == repr(other['second'])


def test_a_sample_is_a_function_of_seed_and_index(photographs):
    forth, back = build(photographs), build(photographs, cache=False)
    backwards = [back[index] for index in reversed(range(40))][::-1]
    for index in range(40):
        same(forth[index], backwards[index])
    part = build(photographs, indices=[7, 3])
    same(part[0], forth[7])
    assert [part[i]['sample_idx'] for i in (0, 1)] == [0, 1]


def test_another_index_seed_or_split_is_another_sample(photographs):
    def motions(**options):
        data = build(photographs, **options)
        return [tuple(data.scenes(index)[0].corners.ravel()) for index in range(40)]

    all_motions = motions() + motions(seed=1) + motions(split='test')
    assert len(set(all_motions)) == 120


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_workers_draw_the_same(photographs, context):
    data = build(photographs, length=10, pipeline=PACK)
    batches = DataLoader(data, 5, num_workers=2, multiprocessing_context=context)
    for batch, start in zip(batches, (0, 5), strict=True):
        alone = default_collate([data[index] for index in range(start, start + 5)])
        for key in ('gt_label', 'background', 'position'):
            assert torch.equal(batch[key], alone[key])
        for ours, theirs in zip(batch['inputs']['views'], alone['inputs']['views'], strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize('shared', SETS_OF_FACTORS, ids='+'.join)
def test_shared_factors_are_equal(photographs, shared):
    data = build(photographs, shared, length=30)
    for index in range(30):
        sample = data[index]
        first, second = sample['first'], sample['second']
        equal = dict(
            digit=first['digit_idx'] == second['digit_idx'],
            position=np.array_equal(first['position'], second['position']),
            background=(first['background_idx'], first['crop']) == (
                second['background_idx'], second['crop']))
        assert all(equal[factor] for factor in shared)
        assert sample['gt_label'] == first['digit'] and sample['background'] == first['background']
        np.testing.assert_array_equal(sample['position'], first['position'])


@pytest.mark.parametrize('shared', SETS_OF_FACTORS[:3], ids='+'.join)
def test_view_1_does_not_depend_on_what_is_shared(photographs, shared):
    one, other = build(photographs, shared), build(photographs, SETS_OF_FACTORS[-1])
    for index in range(10):
        np.testing.assert_array_equal(one[index]['views'][0], other[index]['views'][0])


@pytest.mark.parametrize('shared', SETS_OF_FACTORS[:-1], ids='+'.join)
def test_factors_that_are_not_shared_are_independent(photographs, shared):
    """χ² over 6,000 pairs, of each factor of view 1 against each unshared factor of view 2."""
    data = build(photographs, shared, length=6000)
    tables = [[], []]
    for index in range(6000):
        for table, scene in zip(tables, data.scenes(index), strict=True):
            y, x = scene.corners[-1] // ((SPAN + 1) / 3)
            table.append((data.digits.labels[scene.digit], 3 * y + x, scene.background,
                          int(3 * scene.crop[0])))
    first, second = np.array(tables, int).transpose(0, 2, 1)
    factors = ('digit', 'position', 'background', 'background')  # the last one: its crop
    p_values = []
    for factor, drawn in zip(factors, second, strict=True):
        if factor in shared:
            continue
        p_values += [stats.chi2_contingency(stats.contingency.crosstab(drawn, other).count).pvalue
                     for other in first]
    assert len(p_values) >= 4
    assert min(p_values) > 0.01 / len(p_values)


def test_factors_are_uniform(photographs):
    """Also of view 2, where nothing but the background is shared."""
    data = build(photographs, ('background', ), length=6000)
    scenes = [data.scenes(index) for index in range(6000)]
    for view in (0, 1):
        instances = np.bincount([pair[view].digit for pair in scenes],
                                minlength=len(data.digits.labels))
        assert stats.chisquare(instances).pvalue > 0.01
        backgrounds = np.bincount([pair[view].background for pair in scenes], minlength=12)
        assert stats.chisquare(backgrounds).pvalue > 0.01
        for axis in (0, 1):
            corners = np.bincount([pair[view].corners[-1, axis] for pair in scenes])
            expected = np.full(SPAN + 1, 6000 / SPAN)
            expected[[0, -1]] /= 2  # rounded from half a pixel only
            assert stats.chisquare(corners, expected).pvalue > 0.01


def test_speed_away_from_the_border(photographs):
    data = build(photographs, length=500)
    moved = []
    for index in range(500):
        corners = data.scenes(index)[0].corners
        inside = ((corners > 7) & (corners < SPAN - 7)).all(axis=1)
        steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        moved += list(steps[inside[:-1]])  # further than a step from every wall
    assert len(moved) > 1000
    assert np.abs(np.array(moved) - 6.4).max() <= np.sqrt(2) + 1e-9  # half a pixel on four sides
    assert abs(np.mean(moved) - 6.4) < 0.05


def test_crops_are_uniform(photographs):
    """A canvas of 76 px has 21 × 5 places in a photograph of 96 × 80."""
    data = build(photographs, canvas=76, num_frames=1, length=2100)
    for view in ('first', 'second'):
        y, x = np.array([sample[view]['crop'] for sample in data]).T
        assert stats.chisquare(np.bincount(5 * y + x, minlength=21 * 5)).pvalue > 0.01


def composite(photographs, data, labels, size):
    """Draw a frame by its labels, in floating point."""
    paths = sorted(photographs.rglob('*.png'))
    image = cv2.cvtColor(cv2.imread(str(paths[labels['background_idx']])), cv2.COLOR_BGR2RGB)
    y, x = labels['crop']
    frame = image[y:y + size, x:x + size].astype(float)
    alpha = data.digits.alphas[labels['digit_idx']] / 255.0
    side = len(alpha)
    top, left = (int(centre - side / 2) for centre in labels['position'])
    window = frame[top:top + side, left:left + side]
    window += alpha[..., None] * (255 - window)
    return frame


@pytest.mark.parametrize('canvas, digit_size', [(64, 28), (48, 15)])
def test_view_2_is_what_its_labels_say(photographs, canvas, digit_size):
    data = build(photographs, ('position', ), canvas=canvas, digit_size=digit_size)
    for index in range(10):
        sample = data[index]
        view, expected = sample['views'][1], composite(photographs, data, sample['second'], canvas)
        assert view.dtype == np.uint8 and view.shape == (canvas, canvas, 3)
        assert np.abs(view - expected).max() <= 0.501


def test_dimmed_backgrounds(photographs):
    """Where there is no ink, the background times the factor; where it is full, white as ever."""
    plain, dim = build(photographs), build(photographs, brightness=0.4)
    for index in range(5):
        bright, view = plain[index]['views'][1], dim[index]['views'][1]
        labels = plain[index]['second']
        alpha = np.zeros((64, 64), np.uint8)
        y, x = (int(centre - 14) for centre in labels['position'])
        alpha[y:y + 28, x:x + 28] = plain.digits.alphas[labels['digit_idx']]
        assert np.abs(view[alpha == 0] - 0.4 * bright[alpha == 0]).max() <= 0.501
        assert (view[alpha == 255] == 255).all() and (alpha == 255).any()


def test_view_1_is_one_digit_on_one_background_ahead_of_its_label(photographs):
    data = build(photographs)
    for index in range(10):
        sample = data[index]
        corners = data.scenes(index)[0].corners
        assert sample['views'][0].shape == (10, 64, 64, 3)
        for frame, corner in zip(sample['views'][0], corners, strict=False):
            labels = dict(sample['first'], position=corner + 14)
            assert np.abs(frame - composite(photographs, data, labels, 64)).max() <= 0.501
        np.testing.assert_array_equal(sample['position'], corners[10] + 14)


def test_a_template_finds_the_digit_at_the_label(tmp_path):
    """On black, without a look at how the digit was drawn."""
    (tmp_path / 'night').mkdir()
    cv2.imwrite(str(tmp_path / 'night/0.png'), np.zeros((70, 70, 3), np.uint8))
    data = build(tmp_path, ('digit', 'position'))
    for index in range(20):
        sample = data[index]
        template = data.digits.alphas[sample['first']['digit_idx']]
        found = cv2.minMaxLoc(cv2.matchTemplate(
            sample['views'][1][..., 0], template, cv2.TM_SQDIFF))[2]
        np.testing.assert_array_equal(found[::-1] + np.array([14, 14]), sample['position'])


def test_batches_reach_models_with_channels_in_front(photographs):
    data = build(photographs, pipeline=PACK)
    batch = default_collate([data[index] for index in range(3)])
    keep = ('gt_label', 'background', 'position')
    prepared = ViewDataPreprocessor([0.0] * 3, [255.0] * 3, keep=keep)(batch)
    clips, frames = prepared['inputs']['views']
    assert clips.shape == (3, 10, 3, 64, 64) and frames.shape == (3, 3, 64, 64)
    assert torch.equal(clips[1, 4, 2], batch['inputs']['views'][0][1, 4, ..., 2] / 255)
    assert prepared['position'].shape == (3, 2) and prepared['position'].dtype == torch.float32
    assert prepared['gt_label'].dtype == prepared['background'].dtype == torch.int64


def test_names_of_classes(photographs):
    data = build(photographs)
    assert data.metainfo['classes'][7] == 'seven' and len(data.metainfo['classes']) == 10
    assert data.metainfo['background_classes'] == ('bird', 'cat', 'deer')
    for index in range(12):
        first = data[index]['first']
        assert first['background'] == first['background_idx'] // 4


def test_cache_is_left_out_of_a_pickled_set(photographs):
    plain, cached = build(photographs, cache=False), build(photographs)
    for index in range(40):
        same(plain[index], cached[index])
    size = len(pickle.dumps(cached))
    assert abs(size - len(pickle.dumps(plain))) < 1000
    same(pickle.loads(pickle.dumps(cached))[3], cached[3])


@pytest.mark.parametrize('options, error, message', [
    (dict(shared=[]), ValueError, r"shared must be one or more of .*got \[\]"),
    (dict(shared=['digit', 'colour']), ValueError, "shared must be.*'colour'"),
    (dict(shared='digit'), TypeError, "shared must be a list of factors, got 'digit'"),
    (dict(length=0), ValueError, 'length must be at least 1'),
    (dict(split='val'), ValueError, 'split must be one of'),
    (dict(digits='emnist'), ValueError, 'digits must be one of'),
    (dict(digit_size=64), ValueError, 'digit_size must be less than canvas = 64, got 64'),
    (dict(num_frames=0), ValueError, 'num_frames must be at least 1'),
    (dict(speed=-0.1), ValueError, 'speed must be in'),
    (dict(seed=-1), ValueError, 'seed must be at least 0'),
    (dict(canvas=88), ValueError, r'background 0 \(.*bird/0.png\) has 96×80 px.*88×88'),
    (dict(backgrounds='folder'), TypeError, 'backgrounds must be the config'),
])
def test_wrong_arguments(photographs, options, error, message):
    arguments = dict(backgrounds=folder(photographs), shared=['digit'], length=4, digits='sklearn')
    with pytest.raises(error, match=message):
        ColorfulMovingMNIST(**(arguments | options))


@pytest.mark.parametrize('change, message', [
    (dict(with_labels=False), 'backgrounds must be labelled'),
    (dict(pipeline=[]), "background 0 .*has no 'img'.*LoadImage"),
])
def test_wrong_backgrounds(photographs, change, message):
    with pytest.raises(ValueError, match=message):
        ColorfulMovingMNIST(folder(photographs) | change, ['digit'], 4, digits='sklearn')


def test_an_unreadable_background_is_an_error(photographs, tmp_path):
    (tmp_path / 'cat').mkdir()
    (tmp_path / 'cat/0.png').write_bytes((photographs / 'cat/0.png').read_bytes())
    (tmp_path / 'cat/1.png').write_bytes(b'no picture')
    data = build(tmp_path)
    with pytest.raises(ValueError, match=r'cannot read image .*cat/1.png'):
        [data[index] for index in range(40)]


def test_a_jpeg_left_undecoded_is_decoded(photographs, tmp_path):
    (tmp_path / 'cat').mkdir()
    image = cv2.imread(str(photographs / 'cat/0.png'))
    cv2.imwrite(str(tmp_path / 'cat/0.jpg'), image)
    late = folder(tmp_path) | dict(pipeline=[dict(type='LoadImage', reduce=True)])
    same(ColorfulMovingMNIST(late, ['digit'], 4, digits='sklearn')[0], build(tmp_path)[0])

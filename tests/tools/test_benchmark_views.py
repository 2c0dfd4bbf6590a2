"""The benchmark of the views: its peer is the same recipe, its figures fit together."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from recipe_checks import AUGMENTATIONS
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms.operations import OPERATIONS

BENCHMARKS = Path(__file__).parents[2] / 'tools' / 'benchmarks'
sys.path.insert(0, str(BENCHMARKS))
import plain_views  # noqa: E402
import views  # noqa: E402

FILL = (124, 116, 104)


@pytest.fixture(scope='module')
def photo():
    return load_sample_images().images[0][100:324, 200:424].copy()


@pytest.fixture
def threads():
    """Keep what the tool sets for its own process from other tests."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    yield
    cv2.setNumThreads(before[0])
    torch.set_num_threads(before[1])


@pytest.mark.parametrize('magnitude', [10, 8.7])
@pytest.mark.parametrize('name', AUGMENTATIONS)
def test_the_peers_operations_do_the_same(photo, name, magnitude):
    apply, argument, signed = plain_views.OPERATIONS[name]
    value = argument(magnitude)
    theirs = np.asarray(apply(Image.fromarray(photo), value, Image.Resampling.BICUBIC))
    arguments = (value, True, FILL) if signed else () if AUGMENTATIONS[name] is None else (value, )
    assert np.abs(OPERATIONS[name](photo, *arguments) - theirs.astype(int)).max() <= 1
    assert set(plain_views.OPERATIONS) == set(AUGMENTATIONS)


@pytest.mark.parametrize('sigma', [0.1, 0.9, 2])
def test_the_peers_blur_is_the_same(photo, sigma):
    theirs = np.asarray(plain_views.Blur.blur(Image.fromarray(photo), sigma))
    ours = OPERATIONS['gaussian_blur'](photo, sigma, 23)
    assert np.abs(ours - theirs.astype(int)).max() <= 1


def test_figures_fit_together(tmp_path, capsys, threads):
    views.main([str(tmp_path / 'photos'), '--write-photographs', '--images', '4', '--repeats', '1',
                '--loader-images', '32', '--json', str(tmp_path / 'figures.json')])
    assert {Image.open(path).size for path in (tmp_path / 'photos').iterdir()} == {(500, 375)}
    figures = json.loads((tmp_path / 'figures.json').read_text())
    times = {name: row['median'] for name, row in figures['ms_an_image'].items()}
    for ours, theirs in views.RATIOS.items():
        ratio = figures['times_faster'][ours]['median']
        assert ratio == pytest.approx(times[theirs] / times[ours])
    assert figures['decoding_share'] == pytest.approx(
        times['decoding'] / times['two InfoMin views + jigsaw'])
    steps = figures['steps']
    assert steps['crop']['calls_a_sample'] == 2
    assert steps['jigsaw: crop']['calls_a_sample'] == 1
    assert steps['jigsaw: patches']['calls_a_sample'] == 1
    for row in steps.values():
        assert row['ms_a_sample'] == pytest.approx(row['ms_a_call'] * row['calls_a_sample'])
    assert set(figures['images_a_second']) == {'1 worker', '2 workers'}
    assert 'Decoding is' in capsys.readouterr().out


def test_peers_make_samples_of_the_same_size(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / 'a.jpg')
    for name, pipeline in views.peers().items():
        sample = pipeline(str(tmp_path / 'a.jpg'))
        if name.startswith('plain'):
            assert len(sample['views']) == 2
            assert sorted(sample['views'][0].shape) == [3, 224, 224]
            assert ('patches' in sample) == ('jigsaw' in name)
            if 'patches' in sample:
                assert sorted(sample['patches'].shape) == [3, 9, 64, 64]
        elif name.startswith('mmselfsup'):
            assert [view.shape for view in sample['inputs']] == [(3, 224, 224)] * 2


@pytest.mark.parametrize('arguments, words', [
    (['missing'], 'there is no folder missing'),
    (['.', '--repeats', '0'], '--repeats must be at least 1, got 0'),
    (['.', '--loader-images', '-1'], '--loader-images must be at least 0, got -1'),
])
def test_bad_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit):
        views.main(arguments)
    assert words in capsys.readouterr().err


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(SystemExit, match=f'{tmp_path} has no JPEG files'):
        views.main([str(tmp_path)])

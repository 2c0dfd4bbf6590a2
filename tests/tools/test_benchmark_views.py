"""The benchmark of the views: its peer is the same recipe, its figures fit together."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms import build_recipe
from infomin_plugin.datasets.transforms.operations import OPERATIONS
from infomin_plugin.datasets.transforms.rand_augment import AUGMENTATIONS

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/benchmarks/views.py'
FILL = (124, 116, 104)
sys.path.append(str(TOOL.parent))  # scripts find what lies beside them, tests do not
import figures as figures_module  # noqa: E402
import plain_views  # noqa: E402
import step_times  # noqa: E402
import views as tool  # noqa: E402

ROWS = {
    'decoding', 'decoding, plain (Pillow)', 'decoding, mmselfsup (OpenCV)', 'two InfoMin views',
    'plain, two InfoMin views', 'two InfoMin views + jigsaw', 'plain, two InfoMin views + jigsaw',
    'plain, two InfoMin views + jigsaw, uint8', "plain, two InfoMin views + jigsaw, authors' blur",
    'two InfoMin views + jigsaw, photometry on the device', 'two MoCo v2 views',
    'mmselfsup, two MoCo v2 views'
}


@pytest.fixture(scope='module')
def photo():
    return load_sample_images().images[0][100:324, 200:424].copy()


def run(*arguments):
    return subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'COLUMNS': '300'})


# The peer is the same recipe.


@pytest.mark.parametrize('name', [name for name, row in AUGMENTATIONS.items() if row])
def test_plain_operations_do_what_ours_do(photo, name):
    row = AUGMENTATIONS[name]
    apply, argument, signed = plain_views.OPERATIONS[row.operation]
    assert signed == row.geometric
    for magnitude in (10, 8.7):
        value = argument(magnitude)
        if row.argument:
            assert value == pytest.approx(row.argument(magnitude))
        for sign, resample in [(1, 'BICUBIC'), (-1, 'BILINEAR')] if signed else [(1, 'BILINEAR')]:
            theirs = apply(Image.fromarray(photo), sign * value, Image.Resampling[resample])
            arguments = [sign * value] if row.argument else []
            arguments += [resample == 'BICUBIC', FILL] if signed else []
            ours = OPERATIONS[row.operation](photo, *arguments)
            assert np.abs(ours - np.asarray(theirs).astype(int)).max() <= 1


@pytest.mark.parametrize('blur', [plain_views.blur_by_opencv, plain_views.blur_by_convolution])
@pytest.mark.parametrize('sigma', [0.1, 0.9, 2])
def test_both_plain_blurs_do_what_ours_does(photo, blur, sigma):
    theirs = np.asarray(blur(Image.fromarray(photo), sigma)).astype(int)
    assert np.abs(OPERATIONS['gaussian_blur'](photo, sigma, 23) - theirs).max() <= 1


def test_plain_patches_are_cut_where_ours_are(monkeypatch):
    rng = np.random.RandomState(0)
    image = rng.randint(256, size=(255, 255, 3)).astype(np.uint8)
    offsets = rng.randint(22, size=(9, 2))
    right_then_down = iter(offsets[:, ::-1].ravel().tolist())
    monkeypatch.setattr(random, 'randint', lambda low, high: next(right_then_down))
    theirs = plain_views.Patches()(Image.fromarray(image))
    np.testing.assert_array_equal(np.stack(theirs), OPERATIONS['patches'](image, 85, 64, 3,
                                                                          offsets.tolist()))


def features(view):
    """Numbers that the strength of each step shows in."""
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(float)
    channels = view.astype(float)
    return dict(brightness=grey.mean(), contrast=grey.std(),
                colour=np.abs(channels - channels.mean(axis=2, keepdims=True)).mean(),
                red=channels[..., 0].mean() - channels[..., 2].mean(),
                detail=np.abs(np.diff(grey, axis=1)).mean() / (grey.std() + 1),
                filled=(view == FILL).all(axis=2).mean(), levels=len(np.unique(grey)))


def draw_features(make, number=250):
    rows = [features(make()) for _ in range(number)]
    return {name: [row[name] for row in rows] for name in rows[0]}


def least_pvalue(recipe, theirs, photo):
    steps = build_recipe(recipe)

    def make():
        sample = dict(img=photo)
        for step in steps:
            sample = step(sample)
        return sample['img']

    np.random.seed(1)
    ours = draw_features(make)
    return min(stats.ks_2samp(ours[name], theirs[name]).pvalue for name in theirs)


def test_plain_views_are_distributed_as_ours(photo):
    from mmengine.config import Config
    recipe = Config.fromfile(ROOT / 'configs/_base_/recipes/infomin_aug.py').infomin_aug
    random.seed(1)
    torch.manual_seed(1)
    plain, image = plain_views.PlainViews(), Image.fromarray(photo)
    theirs = draw_features(lambda: np.asarray(plain.view(image)))
    assert least_pvalue(recipe, theirs, photo) > 1e-3
    # A left-out step of those that change colours is seen.
    for i in (2, 3, 4, 5):
        broken = [step for j, step in enumerate(recipe) if j != i]
        assert least_pvalue(broken, theirs, photo) < 1e-3, recipe[i]


@pytest.mark.parametrize('name', ['infomin_aug', 'jigsaw'])
def test_plain_crops_and_flips_are_distributed_as_ours(name):
    from mmengine.config import Config
    recipe = Config.fromfile(ROOT / f'configs/_base_/recipes/{name}.py')[name]
    ramp = np.zeros((375, 500, 3), np.uint8)  # its levels tell where a pixel comes from
    ramp[..., 0] = np.linspace(0, 255, 500)
    ramp[..., 1] = np.linspace(0, 255, 375)[:, None]
    plain = plain_views.PlainViews()
    crop, flip = (plain.view if name == 'infomin_aug' else plain.patches).transforms[:2]
    torch.manual_seed(1)
    np.random.seed(1)
    theirs = [np.asarray(flip(crop(Image.fromarray(ramp)))) for _ in range(500)]
    ours = []
    for _ in range(500):
        sample = dict(img=ramp)
        for step in build_recipe(recipe[:2]):
            sample = step(sample)
        ours.append(sample['img'])
    assert {view.shape for view in theirs} == {view.shape for view in ours}
    for place in [np.s_[0, 0, 0], np.s_[0, -1, 0], np.s_[0, 0, 1], np.s_[-1, 0, 1]]:
        assert stats.ks_2samp([view[place] for view in ours],
                              [view[place] for view in theirs]).pvalue > 1e-3
    for channel in (0, 1):
        assert stats.ks_2samp([np.ptp(view[..., channel]) for view in ours],
                              [np.ptp(view[..., channel]) for view in theirs]).pvalue > 1e-3


def test_plain_samples_end_as_plain_pipelines_do(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / 'a.png')
    samples = []
    for normalise in (True, False):
        random.seed(3)
        torch.manual_seed(3)
        samples.append(plain_views.PlainViews(normalise=normalise)(str(tmp_path / 'a.png')))
    floats, levels = samples
    assert [view.shape for view in floats['views']] == [(3, 224, 224)] * 2
    assert floats['patches'].shape == (9, 3, 64, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for one, other in [*zip(floats['views'], levels['views'], strict=True),
                       (floats['patches'], levels['patches'])]:
        assert other.dtype == torch.uint8
        torch.testing.assert_close(one.movedim(-3, -1), (other / 255 - mean) / std)


# Clocks.


def test_the_time_of_a_part_is_without_the_parts_inside(monkeypatch):
    now = [0]
    monkeypatch.setattr(step_times.time, 'perf_counter', lambda: now[0])
    watch = step_times.Stopwatch()

    def wait(seconds):
        now[0] += seconds

    inner = watch.clock(('inner', ''), lambda: wait(2))

    def work():
        wait(3)
        inner()
        inner()
        wait(0.5)

    watch.clock(('outer', ''), work)()
    assert watch.seconds == {('outer', ''): 3.5, ('inner', ''): 4}
    assert watch.calls == {('outer', ''): 1, ('inner', ''): 2}


@pytest.mark.parametrize('size', [(500, 375), (2400, 1800)])  # the second is decoded at a half
def test_steps_are_those_of_the_samples(tmp_path, photo, size):
    from peers import INFOMIN, our_pipeline
    Image.fromarray(photo).resize(size).save(tmp_path / 'a.jpg')
    before, pipeline = dict(OPERATIONS), our_pipeline(INFOMIN)
    start = time.perf_counter()
    parts = step_times.time_steps(pipeline, [str(tmp_path / 'a.jpg')], 20, seed=0)
    spent = (time.perf_counter() - start) * 1e3 / 20
    assert before == OPERATIONS
    assert sum(part['share'] for part in parts) == pytest.approx(1)
    assert 0.6 * spent < sum(part['ms_a_sample'] for part in parts) <= spent
    for part in parts:
        assert part['ms_a_sample'] == pytest.approx(part['ms_a_call'] * part['calls_a_sample'])
    calls = {(part['step'], part['change']): part['calls_a_sample'] for part in parts}
    assert calls['LoadImage', 'decode'] == calls['PackViews', ''] == 1
    assert calls['RandomResizedCrop', 'crop'] == 2
    assert calls['jigsaw: RandomResizedCrop', 'crop'] == 1
    assert calls['jigsaw: JigsawPatches', 'patches'] == 1
    # Four changes of colour come together, in 8 of 10 views; none of them is RandAugment's.
    jitter = {calls['ColorJitter', name]
              for name in ('brightness', 'contrast', 'saturation', 'hue')}
    assert len(jitter) == 1 and 1 <= jitter.pop() <= 2
    operations = {row.operation for row in AUGMENTATIONS.values() if row}
    assert {change for step, change in calls if step == 'RandAugment'} <= operations


def test_the_next_bound_is_the_step_that_takes_most():
    shares = {('LoadImage', 'decode'): 0.35, ('LoadImage', ''): 0.05, ('Blur', 'blur'): 0.25,
              ('Jitter', 'hue'): 0.2, ('Jitter', 'contrast'): 0.15}
    steps = [dict(step=step, change=change, share=share)
             for (step, change), share in shares.items()]
    assert figures_module.next_bound(steps) == pytest.approx(dict(
        decoding_share=0.4, ceiling=2.5, step='Jitter', step_share=0.35, change='hue',
        change_share=0.2))


def test_ratios_are_quotients_of_medians():
    ratio = figures_module.quotient([8, 10, 30], [2, 1, 3])
    assert ratio == dict(value=5, min=4, max=10)


# The tool.


def test_figures_fit_together(tmp_path):
    config = ROOT / 'configs/demo/infomin_r18_photographs.py'
    done = run(tmp_path / 'new', '--write-photographs', '--images', 3, '--repeats', 1,
               '--loader-seconds', 0.01, '--batch-size', 2, '--config', config,
               '--json', tmp_path / 'out/figures.json')
    assert done.returncode == 0, done.stderr
    assert {Image.open(path).size for path in (tmp_path / 'new').iterdir()} == {(500, 375)}
    figures = json.loads((tmp_path / 'out/figures.json').read_text())
    rows = figures['rows']
    assert set(rows) == ROWS | {str(config)}
    assert figures['images']['number'] == 3 and figures['arguments']['seed'] == 0
    assert figures['machine']['packages']['torch'] and figures['machine']['cores'] >= 1
    for ratio in figures['ratios']:
        assert ratio['value'] == pytest.approx(
            rows[ratio['peer']]['ms']['median'] / rows[ratio['ours']]['ms']['median'])
    assert {ratio['ours'] for ratio in figures['ratios']} == {
        'two InfoMin views', 'two InfoMin views + jigsaw', 'two MoCo v2 views'}
    for name, row in rows.items():
        assert row['ms']['min'] <= row['ms']['median'] <= row['ms']['max']
        one, two = (row['images_a_second'][number]['median'] for number in '12')
        assert row['workers_gain']['2/1']['value'] == pytest.approx(two / one)
        assert ('decoding_share' in row) == (not name.startswith('decoding'))
    plain = rows['plain, two InfoMin views']
    assert plain['decoding_share'] == pytest.approx(
        rows['decoding, plain (Pillow)']['ms']['median'] / plain['ms']['median'])
    for words in (*rows, 'patches', 'decoding is', 'Next:', f'{config}, step by step'):
        assert words in done.stdout


def test_images_are_taken_from_all_over_the_folder(tmp_path):
    for i in range(10):
        (tmp_path / f'class{i}').mkdir()
        (tmp_path / f'class{i}' / 'a.JPEG').touch()
    found = [Path(path).parent.name for path in tool.find_images(tmp_path, 4)]
    assert found == ['class0', 'class2', 'class5', 'class7']
    assert len(tool.find_images(tmp_path, 40)) == 10


@pytest.mark.parametrize(('arguments', 'words'), [
    (['/no/folder'], 'IMAGES_DIR: there is no folder /no/folder'),
    (['.', '--write-photographs'], '--write-photographs: . exists and is no empty folder'),
    (['.', '--repeats', '0'], '--repeats must be at least 1, got 0'),
    (['.', '--images', '-3'], '--images must be at least 1, got -3'),
    (['.', '--batch-size', '0'], '--batch-size must be at least 1, got 0'),
    (['.', '--workers', '0'], '--workers must be different numbers of at least 1, got [0]'),
    (['.', '--workers', '2', '2'], '--workers must be different numbers of at least 1'),
    (['.', '--loader-seconds', '-1'], '--loader-seconds must be from 0 to 3600, got -1.0'),
    (['.', '--loader-seconds', 'nan'], '--loader-seconds must be from 0 to 3600, got nan'),
    (['.', '--seed', '-1'], '--seed must be from 0 to'),
    (['.', '--config', 'no.py'], '--config: there is no file no.py'),
    (['.', '--json', '/proc/figures.json'], '--json: cannot write /proc/figures.json'),
    (['.', '--json', '/tmp'], '--json: cannot write /tmp: Is a directory'),
])
def test_bad_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(arguments)
    assert words in capsys.readouterr().err


def test_bad_folders_and_files_are_named(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    done = run(folder, '--json', tmp_path / 'figures.json')
    assert f'error: IMAGES_DIR: {folder} has no JPEG files' in done.stderr
    assert not (tmp_path / 'figures.json').exists()
    (folder / 'broken.jpg').write_bytes(b'no image')
    done = run(folder)
    assert done.returncode == 1 and done.stderr.startswith('error: '), done.stderr
    assert 'broken.jpg' in done.stderr


def test_a_config_without_a_pipeline_is_named(tmp_path):
    from peers import our_pipeline
    (tmp_path / 'config.py').write_text('train_dataloader = dict()')
    with pytest.raises(ValueError, match='config.py: it has no train_dataloader.dataset.pipeline'):
        our_pipeline(tmp_path / 'config.py')

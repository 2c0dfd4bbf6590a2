import hashlib
import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from infomin_plugin.datasets.mini import MiniOptions, make_mini
from infomin_plugin.datasets.mini.scenes import contrasting_colour, warp_cutout
from infomin_plugin.datasets.mini.sources import Cutout, Digits

COUNTS = dict(objects=30, pretrain=6, classify_train=20, classify_test=20, trainval=12, test=12)
PARTS = {
    'objects': 'objects',
    'pretrain': 'pretrain',
    'classify/train': 'classify_train',
    'classify/test': 'classify_test',
}
VOC = 'VOCdevkit/VOC2007'


def tree_hash(root):
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob('*') if p.is_file()):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def read(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    order = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), cv2.cvtColor(image, order))


@pytest.fixture(scope='module')
def mini(tmp_path_factory):
    return make_mini(tmp_path_factory.mktemp('mini') / 'set', **COUNTS)


@pytest.fixture(scope='module')
def own(tmp_path_factory):
    """Folders of 2 x 5 cut-outs, each of a colour of its own, and of one photograph.

    The photograph is grey: light (200) in the left 0.72 of its width, dark (30) in the rest.
    """
    root = tmp_path_factory.mktemp('own')
    colours = {}
    for label, name in enumerate(('disc & ring', 'box')):
        for i in range(5):
            image = np.zeros((90, 120, 4), np.uint8)
            # Fully transparent pixels are bright: they must leave no fringe.
            image[..., :3] = 255
            colour = (40 * i + 20, 120 * label + 60, 200 - 40 * i)
            if label == 0:
                cv2.circle(image, (60, 45), 30, (*colour, 255), -1)
            else:
                image[20:70, 30:100] = (*colour, 255)
            write(root / f'cutouts/{name}/{i}.png', image)
            colours[f'{name}/{i}.png'] = colour
    photograph = np.full((300, 400, 3), 200, np.uint8)
    photograph[:, 288:] = 30
    write(root / 'photographs/deep/down.png', photograph)
    return root, colours


@pytest.fixture(scope='module')
def own_mini(own):
    root, _ = own
    return make_mini(
        root / 'set',
        seed=3,
        cutouts=root / 'cutouts',
        photographs=root / 'photographs',
        background_contrast=1.0,
        background_shift=0.0,
        **COUNTS,
    )


def test_same_seed_same_bytes_and_other_seed_others(mini, tmp_path):
    again = make_mini(tmp_path / 'again', **COUNTS)
    other = make_mini(tmp_path / 'other', seed=1, **COUNTS)
    assert tree_hash(again.root) == tree_hash(mini.root)
    names = [p.relative_to(mini.root) for p in mini.root.rglob('*.jpg') if 'classify' not in str(p)]
    assert all((mini.root / n).read_bytes() != (other.root / n).read_bytes() for n in names)


def test_more_of_one_part_changes_no_other_image(mini, tmp_path):
    more = make_mini(tmp_path / 'more', **{**COUNTS, 'objects': 40, 'trainval': 14})
    for path in mini.root.rglob('*.jpg'):
        assert (more.root / path.relative_to(mini.root)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize('which', ['mini', 'own_mini'])
def test_form(which, request):
    made = request.getfixturevalue(which)
    for part, option in PARTS.items():
        assert len(list((made.root / part).rglob('*.jpg'))) == COUNTS[option] == made.counts[part]
    for part in ('classify/train', 'classify/test'):
        folders = {p.name: len(list(p.iterdir())) for p in (made.root / part).iterdir()}
        assert set(folders) == set(made.classes)
        assert len(set(folders.values())) == 1  # as many of each class
    for path in (made.root / 'objects').iterdir():
        assert read(path).shape == (64, 64, 3)
    for split in ('trainval', 'test'):
        stems = (made.root / VOC / f'ImageSets/Main/{split}.txt').read_text().split()
        coco = json.loads((made.root / f'coco/annotations/instances_{split}.json').read_text())
        assert len(stems) == COUNTS[split]
        assert [image['file_name'] for image in coco['images']] == [f'{s}.jpg' for s in stems]
        assert [c['name'] for c in coco['categories']] == list(made.classes)
        for stem in stems:
            assert read(made.root / VOC / f'JPEGImages/{stem}.jpg').shape == (128, 160, 3)
    assert len(list((made.root / VOC / 'Annotations').iterdir())) == 24
    assert (made.root / 'README.md').is_file()


def test_digits_have_ten_classes_and_their_licences(mini):
    assert mini.classes == (
        'zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine',
    )  # fmt: skip
    licences = {p.name: p.read_text() for p in (mini.root / 'licences').iterdir()}
    assert 'Alpaydin' in licences['scikit-learn-digits.txt']
    assert 'creativecommons.org' in licences['scikit-learn-sample-photographs.txt']


@pytest.mark.parametrize('which', ['mini', 'own_mini'])
def test_train_and_test_share_no_source(which, request):
    made = request.getfixturevalue(which)
    sources = json.loads((made.root / 'sources.json').read_text())
    assert set(sources) == {p.relative_to(made.root).as_posix() for p in made.root.rglob('*.jpg')}
    used = {True: [], False: []}
    for name, source in sources.items():
        used['test' in name].append(source)
    cutouts = {k: {c for s in v for c in s['cutouts']} for k, v in used.items()}
    assert cutouts[True] and cutouts[False] and not cutouts[True] & cutouts[False]
    for photo, x, y, w, h in (s['background'] for s in used[False]):
        for other_photo, x2, y2, w2, h2 in (s['background'] for s in used[True]):
            apart = x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
            assert photo != other_photo or apart


def test_records_of_digits_are_indices_of_load_digits(mini):
    from sklearn.datasets import load_digits

    target = load_digits().target
    sources = json.loads((mini.root / 'sources.json').read_text())
    for path in (mini.root / 'classify').rglob('*.jpg'):
        (digit,) = sources[path.relative_to(mini.root).as_posix()]['cutouts']
        assert mini.classes[target[int(digit.removeprefix('digit-'))]] == path.parent.name


def test_pixels_come_from_the_recorded_sources_only(own, own_mini):
    """Each cut-out has a colour of its own, each side of the photograph a brightness."""
    _, colours = own
    sources = json.loads((own_mini.root / 'sources.json').read_text())
    for name, source in sources.items():
        image = read(own_mini.root / name).astype(int)
        if image.shape != (64, 64, 3):
            continue
        (record,) = source['cutouts']
        behind = 30 if 'test' in name else 200
        middle, corner = image[30:34, 30:34].mean(axis=(0, 1)), image[:4, :4].mean()
        assert np.abs(middle - colours[record]).max() < 12, name
        assert abs(corner - behind) < 8, name
        # No fringe of the white that the files hold where they are fully transparent.
        brightness = cv2.cvtColor(image.astype(np.uint8), cv2.COLOR_RGB2GRAY)
        assert brightness.max() <= max(np.dot(colours[record], [0.299, 0.587, 0.114]), behind) + 8


def test_many_photographs_are_dealt_out_whole(tmp_path):
    for i in range(9):
        write(tmp_path / f'photographs/{i}.jpg', np.full((80, 90, 3), 25 * i, np.uint8))
    made = make_mini(
        tmp_path / 'set', photographs=tmp_path / 'photographs', **{**COUNTS, 'objects': 100}
    )
    sources = json.loads((made.root / 'sources.json').read_text())
    train, test = set(), set()
    for name, source in sources.items():
        (test if 'test' in name else train).add(source['background'][0])
    assert train and test and not train & test
    assert len(train | test) == 9


@pytest.mark.parametrize('split', ['trainval', 'test'])
@pytest.mark.parametrize('which', ['mini', 'own_mini'])
def test_voc_boxes_coco_boxes_and_masks_agree(which, split, request, capsys):
    made = request.getfixturevalue(which)
    coco = COCO(str(made.root / f'coco/annotations/instances_{split}.json'))
    for image in coco.imgs.values():
        stem = Path(image['file_name']).stem
        root = ElementTree.parse(made.root / VOC / f'Annotations/{stem}.xml').getroot()
        assert root.findtext('filename') == image['file_name']
        assert int(root.findtext('size/width')) == image['width'] == 160
        assert int(root.findtext('size/height')) == image['height'] == 128
        annotations = coco.imgToAnns[image['id']]
        entries = root.findall('object')
        assert len(entries) == len(annotations) and 1 <= len(entries) <= 4
        for entry, annotation in zip(entries, annotations, strict=True):
            assert entry.findtext('name') == coco.cats[annotation['category_id']]['name']
            corners = ('xmin', 'ymin', 'xmax', 'ymax')
            left, top, right, bottom = (int(entry.findtext(f'bndbox/{c}')) for c in corners)
            rows, columns = np.nonzero(coco.annToMask(annotation))
            assert (left, top) == (columns.min() + 1, rows.min() + 1)
            assert (right, bottom) == (columns.max() + 1, rows.max() + 1)
            expected = [left - 1, top - 1, right - left + 1, bottom - top + 1]
            assert annotation['bbox'] == expected
            assert annotation['area'] == len(rows)
            assert annotation['iscrowd'] == 0
            assert 22 <= max(expected[2:]) <= 58


def test_truth_scores_one_in_cocoeval(mini, capsys):
    coco = COCO(str(mini.root / 'coco/annotations/instances_test.json'))
    found = [
        dict(
            image_id=a['image_id'],
            category_id=a['category_id'],
            bbox=a['bbox'],
            segmentation=a['segmentation'],
            score=1.0,
        )
        for a in coco.anns.values()
    ]
    for kind in ('bbox', 'segm'):
        evaluation = COCOeval(coco, coco.loadRes(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        assert evaluation.stats[0] == pytest.approx(1)


def test_masks_are_what_differs_from_a_plain_background(tmp_path, capsys):
    write(tmp_path / 'photographs/grey.png', np.full((200, 300, 3), 128, np.uint8))
    made = make_mini(
        tmp_path / 'set',
        photographs=tmp_path / 'photographs',
        background_shift=0.0,
        background_contrast=1.0,
        min_contrast=80.0,
        max_overlap=0.0,
        **{**COUNTS, 'trainval': 30},
    )
    coco = COCO(str(made.root / 'coco/annotations/instances_trainval.json'))
    holes = 0
    for image in coco.imgs.values():
        picture = cv2.imread(str(made.root / VOC / 'JPEGImages' / image['file_name']), 0)
        difference = np.abs(picture.astype(int) - 128)
        masks = [coco.annToMask(a) for a in coco.imgToAnns[image['id']]]
        union = np.max(masks, axis=0)
        kernel = np.ones((3, 3), np.uint8)
        inside = cv2.erode(union, kernel) > 0
        outside = cv2.dilate(union, np.ones((7, 7), np.uint8)) == 0
        assert difference[outside].max() <= 8
        assert difference[inside].min() >= 0.5 * 80 - 4  # min_contrast times alpha
        for mask in masks:
            contours = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[1]
            holes += int((contours[0, :, 3] >= 0).sum())
    assert holes > 10  # of 0, 6, 8 and 9; they are no part of the masks


def test_little_is_hidden(tmp_path):
    """Full and visible areas of discs: what is covered stays below the bound."""
    image = np.zeros((100, 100, 4), np.uint8)
    cv2.circle(image, (50, 50), 40, (255, 0, 0, 255), -1)
    for i in range(2):
        write(tmp_path / f'cutouts/disc/{i}.png', image)
    made = make_mini(
        tmp_path / 'set',
        cutouts=tmp_path / 'cutouts',
        scene_objects=(4, 4),
        scene_object_size=(40, 40),
        stretch=0.0,
        shear=0.0,
        max_overlap=0.2,
        **COUNTS,
    )
    coco = json.loads((made.root / 'coco/annotations/instances_trainval.json').read_text())
    areas = np.array([a['area'] for a in coco['annotations']])
    full = np.pi * 20**2
    assert areas.min() > 0.8 * full * 0.95 and areas.max() < full * 1.1
    assert (areas < 0.95 * full).any()  # the bound was put to use


@pytest.mark.parametrize('behind', [0.0, 60.0, 128.0, 200.0, 255.0])
def test_drawn_colours_keep_their_contrast(behind):
    options = MiniOptions(min_contrast=100, saturation=0.8)
    rng = np.random.default_rng(0)
    colours = np.array([contrasting_colour(behind, rng, options) for _ in range(500)])
    luminance = colours @ [0.299, 0.587, 0.114]
    assert colours.min() >= -1e-3 and colours.max() <= 255 + 1e-3
    assert np.abs(luminance - behind).min() >= 100 - 0.01
    assert np.ptp(colours, axis=1).max() > 100  # some are colourful


def test_warp_gives_the_size_that_was_asked_for():
    rng = np.random.default_rng(0)
    digits = Digits().load(max_side=100)
    photo = np.zeros((300, 400, 4), np.uint8)
    photo[50:250, 100:300] = 255
    for cutout in [*digits[:20], Cutout('box', 0, photo)]:
        for size in (12, 30, 56, 100):
            pixels = warp_cutout(cutout, size, rng, MiniOptions())
            alpha = pixels if pixels.ndim == 2 else pixels[..., 3]
            x, y, width, height = cv2.boundingRect((alpha >= 128).view(np.uint8))
            assert abs(max(width, height) - size) <= 2
            assert x >= 1 and y >= 1  # the soft edge is not cut off


def test_what_is_there_is_not_made_again(tmp_path):
    small = dict(COUNTS, objects=5)
    first = make_mini(tmp_path / 'set', **small)
    times = {p: p.stat().st_mtime_ns for p in first.root.rglob('*')}
    second = make_mini(tmp_path / 'set', **small)
    assert second.reused and not first.reused
    assert (second.counts, second.classes) == (first.counts, first.classes)
    assert {p: p.stat().st_mtime_ns for p in first.root.rglob('*')} == times

    with pytest.raises(FileExistsError, match='seed: 0 there, 1 wanted'):
        make_mini(tmp_path / 'set', seed=1, **small)
    with pytest.raises(FileExistsError, match='objects: 5 there, 6 wanted'):
        make_mini(tmp_path / 'set', **dict(small, objects=6))
    assert {p: p.stat().st_mtime_ns for p in first.root.rglob('*')} == times

    changed = make_mini(tmp_path / 'set', overwrite=True, **dict(small, objects=6))
    assert not changed.reused and len(list((tmp_path / 'set/objects').iterdir())) == 6
    assert [p.name for p in tmp_path.iterdir()] == ['set']

    (tmp_path / 'set' / VOC / 'Annotations/test_00001.xml').unlink()
    with pytest.raises(FileExistsError, match=r'lacks 1 of its files.*test_00001\.xml'):
        make_mini(tmp_path / 'set', **dict(small, objects=6))


@pytest.mark.parametrize('overwrite', [False, True])
def test_other_folders_are_left_alone(tmp_path, overwrite):
    (tmp_path / 'thesis.txt').write_text('five years')
    with pytest.raises(FileExistsError, match='not empty and is not a mini set'):
        make_mini(tmp_path, overwrite=overwrite, **COUNTS)
    with pytest.raises(FileExistsError, match='is a file'):
        make_mini(tmp_path / 'thesis.txt', overwrite=overwrite, **COUNTS)
    (tmp_path / 'meta.json').write_text('{"request": {}}')
    with pytest.raises(FileExistsError, match='not empty and is not a mini set'):
        make_mini(tmp_path, overwrite=overwrite, **COUNTS)
    assert (tmp_path / 'thesis.txt').read_text() == 'five years'


def test_a_failure_on_the_way_leaves_nothing(tmp_path):
    def break_off(iterable, description):
        if description == 'pretrain':
            raise KeyboardInterrupt
        return iterable

    with pytest.raises(KeyboardInterrupt):
        make_mini(tmp_path / 'set', progress=break_off, **COUNTS)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_nothing_half_made(tmp_path):
    code = 'import sys; from infomin_plugin.datasets.mini import make_mini; make_mini(sys.argv[1])'
    process = subprocess.Popen([sys.executable, '-c', code, str(tmp_path / 'set')])
    objects = tmp_path / '.set.partial/objects'
    deadline = time.monotonic() + 60
    while not (objects.is_dir() and any(objects.iterdir())):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / 'set').exists()
    assert not make_mini(tmp_path / 'set', **COUNTS).reused
    assert [p.name for p in tmp_path.iterdir()] == ['set']


def box_cutout(channels=4):
    image = np.zeros((30, 30, channels), np.uint8)
    image[5:25, 5:25] = 255
    return image


def test_bad_cutouts(tmp_path):
    folder = tmp_path / 'cutouts'
    with pytest.raises(FileNotFoundError, match='cut-outs: there is no folder'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match='no class folders'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    write(folder / 'box/0.png', box_cutout())
    with pytest.raises(ValueError, match=r'box holds 1 PNG image\(s\); a class needs at least 2'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    write(folder / 'box/1.png', box_cutout(channels=3))
    with pytest.raises(ValueError, match=r'1\.png has no alpha channel \(3 channels, not RGBA\)'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    write(folder / 'box/1.png', np.zeros((9, 9, 4), np.uint8))
    with pytest.raises(ValueError, match=r'1\.png shows nothing'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    (folder / 'box/1.png').write_bytes((folder / 'box/0.png').read_bytes()[:40])
    with pytest.raises(ValueError, match=r'1\.png cannot be read as an image'):
        make_mini(tmp_path / 'set', cutouts=folder, **COUNTS)
    assert not (tmp_path / 'set').exists()


def test_bad_photographs(tmp_path):
    folder = tmp_path / 'photographs'
    with pytest.raises(FileNotFoundError, match='photographs: there is no folder'):
        make_mini(tmp_path / 'set', photographs=folder, **COUNTS)
    folder.mkdir()
    (folder / 'notes.txt').write_text('none')
    with pytest.raises(FileNotFoundError, match='photographs: no image below'):
        make_mini(tmp_path / 'set', photographs=folder, **COUNTS)
    (folder / 'empty.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match=r'empty\.jpg cannot be read as an image'):
        make_mini(tmp_path / 'set', photographs=folder, **COUNTS)
    write(folder / 'empty.jpg', np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r'empty\.jpg \(3x2\) is too small'):
        make_mini(tmp_path / 'set', photographs=folder, **COUNTS)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(objects=-1), 'objects must be at least 0, got -1'),
        (dict(scene_objects=(3, 1)), 'scene_objects must be a range'),
        (dict(scene_objects=(0, 1)), 'scene_objects must be at least 1'),
        (dict(scene_size=(160, 50)), r'scene_object_size: .* does not fit into an image of 50 px'),
        (dict(object_scale=(0.9, 1.0)), 'object_scale: an object of up to 64 px'),
        (dict(min_contrast=200), 'min_contrast must be from 0 to 127, got 200'),
        (dict(test_fraction=1.0), 'test_fraction must be between 0 and 1'),
        (dict(background_crop=3), 'background_crop must be two numbers, got 3'),
        (dict(seed=-1), 'seed must be at least 0'),
    ],
)
def test_bad_options(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        make_mini(tmp_path / 'set', **options)
    assert list(tmp_path.iterdir()) == []


def test_unknown_option(tmp_path):
    with pytest.raises(TypeError, match='objcts'):
        make_mini(tmp_path / 'set', objcts=3)


def test_objects_as_large_as_allowed_lie_inside(tmp_path, capsys):
    made = make_mini(
        tmp_path / 'set',
        object_scale=(59 / 64, 59 / 64),
        scene_size=(160, 56),
        scene_object_size=(51, 51),
        **COUNTS,
    )
    coco = COCO(str(made.root / 'coco/annotations/instances_trainval.json'))
    for annotation in coco.anns.values():
        x, y, width, height = annotation['bbox']
        assert 49 <= max(width, height) <= 53
        assert x >= 1 and y >= 1 and x + width <= 159 and y + height <= 55

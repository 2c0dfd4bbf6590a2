"""Annotation files that would overwhelm who reads them: refused by name before mmdet sees them."""

import json

import numpy as np
import pytest
from annotation_sets import TRAIN, voc_xml, write_coco, write_voc
from bounded import run_bounded
from pycocotools import mask

from infomin_plugin.datasets.annotations import AnnotationError, read_set
from infomin_plugin.datasets.annotations.masks import MAX_OUTLINE, mask_problem
from infomin_plugin.datasets.annotations.voc import MAX_BYTES

MEGABYTES = 256


def check_refused(tmp_path, form, file, message):
    """In little memory and time, and by an error that names the file."""
    name, said = run_bounded(lambda: read_set(tmp_path, form, ['train']), MEGABYTES)
    assert name == 'AnnotationError', (name, said)
    assert file in said and message in said, said
    assert len(said) < 1000 and said.isprintable()


# --- COCO form


@pytest.fixture
def coco(tmp_path):
    """Refused after a change of the file's content."""
    write_coco(tmp_path, {'train': TRAIN})
    file = tmp_path / 'annotations/instances_train.json'

    def check(part, message, **changes):
        content = json.loads(file.read_text())
        content[part][0] |= changes
        file.write_text(json.dumps(content))
        check_refused(tmp_path, 'coco', file.name, message)
    return check


@pytest.mark.parametrize('name', [
    '../../etc/passwd', '/etc/passwd', 'a/../../b.jpg', 'a\0b.jpg', '', 7, ['a.jpg'], None])
def test_names_that_lead_out_of_the_folder(name, coco):
    coco('images', 'no path below the folder of images', file_name=name)


@pytest.mark.parametrize(('sides', 'message'), [
    ((2**40, 2**40), 'at most 65,535 a side'), ((65_000, 65_000), 'at most 65,535 a side'),
    ((0, 10), 'has no pixels'), ((-5, -5), 'has no pixels'), ((1e9, 1), 'whole numbers'),
    ((float('nan'), 1), 'whole numbers'), (('48', '36'), 'whole numbers'),
    ((True, 36), 'whole numbers')])
def test_images_of_absurd_size(sides, message, coco):
    coco('images', message, width=sides[0], height=sides[1])


@pytest.mark.parametrize('box', [
    [0, 0, 1e300, 1], [0, 0, float('inf'), 1], [0, 0, 10**400, 1], ['0', 0, 1, 1], [[]] * 4, {},
    [0, 0, 1, float('nan')]])
def test_boxes_of_absurd_numbers(box, coco):
    coco('annotations', 'needs a bbox', bbox=box)


@pytest.mark.parametrize('changes', [
    dict(area=float('nan')), dict(area=10**400), dict(area='1'), dict(iscrowd=[]),
    dict(iscrowd=2)], ids=str)
def test_areas_and_crowds_that_are_none(changes, coco):
    coco('annotations', 'needs an area in pixels', **changes)


@pytest.mark.parametrize('changes', [
    dict(category_id=[3]), dict(category_id={}), dict(image_id=[0]), dict(id=[1]), dict(id=None)],
    ids=str)
def test_ids_that_are_none(changes, coco):
    coco('annotations', 'id', **changes)


@pytest.mark.parametrize(('segmentation', 'message'), [
    (dict(size=[2**31, 2**31], counts=[1]), 'of another size than its image'),
    (dict(size=[36, 48], counts=[36 * 48 + 1]), 'of other than numbers of pixels'),
    (dict(size=[36, 48], counts=[1728, 1728]), 'of 3456 pixels, but its image'),
    (dict(size=[36, 48], counts=[-1, 1729]), 'of other than numbers'),
    (dict(size=[36, 48], counts=[2**62, 2**62]), 'of other than numbers'),
    (dict(size=[36, 48], counts='ooooooooooooooooo1'), 'other letters than COCO writes'),
    (dict(size=[36, 48], counts='\x00'), 'other letters'), (dict(size=[36, 48], counts='o'), 'cut'),
    (dict(size=[36, 48], counts='`f1`f1'), 'of other than numbers'),
    (dict(size=[36, 48]), 'of other than numbers'), (7, 'is a int instead of'),
    ([[0, 0, 1e9, 1e9, 0, 1e9]], 'far outside its image'),
    ([[0, 0, float('nan'), 9, 0, 9]], 'far outside its image'),
    ([['0', 0, 1, 1, 0, 1]], 'no list of numbers'), ([[[[]]] * 6], 'no list of numbers'),
    ([[0, 0, 40, 30] * 20_000], 'outlines of more than'),
    ([[0, 0, 40, 30] * 2_000] * 20, 'outlines of more than')])
def test_masks_that_would_take_memory_or_leave_it(segmentation, message, coco):
    coco('annotations', message, segmentation=segmentation)


@pytest.mark.parametrize('deep', [900, 100_000])
@pytest.mark.parametrize('place', ['"annotations": [', '"name": ', '"bbox": ', '"counts": '])
def test_deep_nesting(deep, place, tmp_path):
    write_coco(tmp_path, {'train': TRAIN})
    file = tmp_path / 'annotations/instances_train.json'
    text = file.read_text().replace('"segmentation": ', '"segmentation": {"counts": 1}, "x": ')
    assert place in text
    file.write_text(text.replace(place, place + '[' * deep + ']' * deep + ', "_": ', 1))
    check_refused(tmp_path, 'coco', file.name, '')


def test_numbers_of_a_million_digits(tmp_path):
    """To read one takes the square of its length."""
    write_coco(tmp_path, {'train': TRAIN})
    file = tmp_path / 'annotations/instances_train.json'
    file.write_text(file.read_text().replace('"width": 48', '"width": ' + '9' * 1_000_000))
    check_refused(tmp_path, 'coco', file.name, 'is not readable JSON')


def test_messages_have_no_orders_for_a_terminal(tmp_path):
    write_coco(tmp_path, {'train': {'a\x1b[2J': TRAIN['a']}})
    (tmp_path / 'images/a\x1b[2J.jpg').unlink()
    check_refused(tmp_path, 'coco', 'instances_train.json', r'no a\x1b[2J.jpg in any folder')


@pytest.mark.parametrize('seed', range(20))
def test_masks_of_pycocotools_are_accepted(seed):
    """Its own codes, compressed and not, of random and of plain masks."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 80, 2)
    pixels = (rng.random((height, width)) < rng.choice([0, 0.01, 0.5, 1])).astype(np.uint8)
    code = mask.encode(np.asfortranarray(pixels))
    flat = pixels.flatten('F')
    ends = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), len(flat)]
    runs = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    counts = ([0] if flat[0] else []) + runs
    for form in (code['counts'].decode(), counts):
        found = dict(size=[int(height), int(width)], counts=form)
        assert mask_problem(found, int(width), int(height)) == ''
        assert 'another size' in mask_problem(found, int(width) + 1, int(height))
    outline = (rng.random(40) * min(height, width)).round(2).tolist()
    assert mask_problem([outline], int(width), int(height)) == ''


def test_the_bound_of_outlines_is_what_pycocotools_can_draw():
    """A fence of as many pixels as are allowed."""
    fence = [place for x in range(MAX_OUTLINE // 2 // 1001) for place in (x, 0, x, 1000)]
    assert mask_problem([fence], 1000, 1000) == ''
    assert run_bounded(lambda: mask.frPyObjects([fence], 1000, 1000), MEGABYTES) == ('returned', '')
    assert 'outlines' in mask_problem([fence * 2 + fence], 1000, 1000)


# --- VOC form


@pytest.fixture
def voc(tmp_path):
    """Refused with another annotation file."""
    base = write_voc(tmp_path / 'set', {'train': TRAIN})

    def check(content, message):
        (base / 'Annotations/a.xml').write_bytes(
            content.encode() if isinstance(content, str) else content)
        check_refused(tmp_path, 'voc', 'Annotations/a.xml', message)
    return check


BOMB = '<!DOCTYPE a [<!ENTITY l0 "ha">' + ''.join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)) + ']>'


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-16', 'latin1'])
@pytest.mark.parametrize('declaration', [
    BOMB, '<!DOCTYPE a [<!ENTITY x "' + 'x' * 100_000 + '">]>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a PUBLIC "-//x//x" "http://localhost:9/x.dtd">',
    '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>'], ids=range(5))
def test_entities(declaration, encoding, voc):
    text = voc_xml(TRAIN['a']).replace('cat', '&l11;')
    voc(f'<?xml version="1.0" encoding="{encoding}"?>{declaration}{text}'.encode(encoding),
        'document type declaration')


def test_deep_and_large_xml(voc):
    text = voc_xml(TRAIN['a'])
    voc(text.replace('<object>', '<a>' * 200_000 + '</a>' * 200_000 + '<object>', 1),
        'more than 100 elements in one another')
    voc(text + ' ' * MAX_BYTES, 'bytes; at most')


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('<width>48', '<width>99999', 'at most 65,535 a side'),
    ('<width>48', '<width>1e300', 'at most 65,535 a side'),
    ('<width>48', '<width>inf', 'must be a positive number'),
    ('<xmin>3', '<xmin>-1e30', 'needs a bndbox'), ('<xmax>21', '<xmax>1e30', 'needs a bndbox'),
    ('<xmax>21', '<xmax>' + '9' * 5000, 'needs a bndbox'),
    ('<difficult>0', '<difficult>' + 'x' * 100_000, 'difficult must be 0 or 1')])
def test_numbers_of_xml(old, new, message, voc):
    text = voc_xml(TRAIN['a'])
    assert old in text
    voc(text.replace(old, new), message)


@pytest.mark.parametrize('encoding', ['rot13', 'utf-7', 'idna', 'hex', 'zlib', 'shift_jis'])
def test_odd_encodings(encoding, tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    (base / 'Annotations/a.xml').write_text(
        f'<?xml version="1.0" encoding="{encoding}"?>' + voc_xml(TRAIN['a']))
    try:
        assert read_set(tmp_path, 'voc', ['train']).num_objects == 3
    except AnnotationError as error:
        assert 'a.xml is not readable XML' in str(error)


@pytest.mark.parametrize('line', [
    '../../../etc/passwd', '/etc/passwd', '..', 'a\0b', '.', '', 'x' * 100_000, 'a\x1b[2J',
    '../JPEGImages/a'])
def test_lists_that_lead_out_of_the_folder(line, tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    (base / 'ImageSets/Main/train.txt').write_text(f'a\n{line}\n')
    if line:
        check_refused(tmp_path, 'voc', 'train.txt', 'are not in')
    else:
        check_refused(tmp_path, 'voc', 'train.txt', 'one image name a line')


def test_lists_that_are_no_text(tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    (base / 'ImageSets/Main/train.txt').write_bytes(b'\xff\xfe\x00a')
    check_refused(tmp_path, 'voc', 'train.txt', 'is no readable list')

"""Annotation sets are found by their form, and refused early with the file's name."""

import json

import pytest
from annotation_sets import TEST, TRAIN, coco_content, voc_xml, write_coco, write_image, write_voc

from infomin_plugin.datasets.annotations import AnnotationError, read_set


def _refused(*parts: str):
    pattern = '.*'.join(parts)
    return pytest.raises(AnnotationError, match=f'(?s){pattern}')


# --------------------------------------------------------------------------------- PASCAL VOC


@pytest.mark.parametrize('folder', ['', 'VOCdevkit/VOC2007', 'a/b/c'])
def test_voc_set_is_found_wherever_it_lies(tmp_path, folder):
    base = write_voc(tmp_path / folder / 'set', {'trainval': TRAIN, 'test': TEST})
    found = read_set(tmp_path, 'voc', ['trainval', 'train'])
    assert (found.split, found.ann_file) == ('trainval', base / 'ImageSets/Main/trainval.txt')
    assert (found.image_dir, found.classes) == (base, ('cat', 'dog', 'owl'))
    assert (found.images, found.num_objects) == ({'a', 'b'}, 3)
    assert read_set(base, 'voc', ['val', 'test']).images == {'c'}  # the root is the set itself


def test_first_split_there_is_wins(tmp_path):
    write_voc(tmp_path / 'set', {'train': TRAIN, 'trainval': {**TRAIN, **TEST}})
    assert read_set(tmp_path, 'voc', ['trainval', 'train']).split == 'trainval'
    assert read_set(tmp_path, 'voc', ['train']).split == 'train'


def test_linked_folders_are_followed_and_loops_end(tmp_path):
    write_voc(tmp_path / 'elsewhere', {'train': TRAIN})
    (tmp_path / 'root').mkdir()
    (tmp_path / 'root/link').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'root/loop').symlink_to(tmp_path / 'root')
    assert read_set(tmp_path / 'root', 'voc', ['train']).images == {'a', 'b'}


def test_missing_root_and_missing_set(tmp_path):
    with _refused('no folder', 'nowhere', 'data_root'):
        read_set(tmp_path / 'nowhere', 'voc', ['train'])
    with _refused('data_form', 'coco', 'voc', 'yolo'):
        read_set(tmp_path, 'yolo', ['train'])
    with _refused('ImageSets/Main/trainval.txt or train.txt', 'no such lists'):
        read_set(tmp_path, 'voc', ['trainval', 'train'])
    write_voc(tmp_path / 'set', {'other': TRAIN})
    with _refused('train.txt', 'other.txt'):
        read_set(tmp_path, 'voc', ['train'])


def test_two_sets_are_ambiguous(tmp_path):
    write_voc(tmp_path / 'VOC2007', {'train': TRAIN})
    write_voc(tmp_path / 'VOC2012', {'train': TRAIN})
    with _refused('ambiguous', 'VOC2007', 'VOC2012', 'data_root'):
        read_set(tmp_path, 'voc', ['train'])


@pytest.mark.parametrize('content, message', [
    ('<annotation><object>', 'not readable XML'),
    ('', 'not readable XML'),
    (voc_xml([('', (1, 1, 5, 5), 0)]), 'object 1 has no name'),
    (voc_xml([('cat', (9, 1, 5, 5), 0)]), r'object 1 \(cat\) needs a bndbox'),
    (voc_xml([('cat', (1, 1, 5, 5), 'perhaps')]), 'difficult must be 0 or 1'),
    (voc_xml([('cat', (1, 1, 5, 5), 0)], (0, 9)), 'size/width must be a positive number'),
    (voc_xml([('cat', (1, 1, 5, 5), 0)]).replace('xmin', 'left'), 'needs a bndbox'),
    (voc_xml([('cat', (1, 1, 5, 5), 0)]).replace('>2<', '>nan<'), 'needs a bndbox'),
])
def test_voc_file_that_is_wrong_is_named(tmp_path, content, message):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    (base / 'Annotations/b.xml').write_text(content)
    with _refused('Annotations/b.xml', message):
        read_set(tmp_path, 'voc', ['train'])


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-16'])
@pytest.mark.parametrize('declaration', [
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>', '<!DOCTYPE a SYSTEM "file:///x">'
])
def test_xml_with_entities_is_refused(tmp_path, declaration, encoding):
    base = write_voc(tmp_path / 'set', {'train': TRAIN})
    text = f'<?xml version="1.0" encoding="{encoding}"?>{declaration}' + voc_xml(TRAIN['b'])
    (base / 'Annotations/b.xml').write_bytes(text.encode(encoding))
    with _refused('Annotations/b.xml', 'DOCTYPE'):
        read_set(tmp_path, 'voc', ['train'])


def test_voc_files_that_are_absent(tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN, 'val': TEST})
    (base / 'JPEGImages/b.jpg').rename(base / 'JPEGImages/b.png')
    with _refused('1 of the 2 images', 'train.txt', 'b.jpg', 'b.png', r'must end in \.jpg'):
        read_set(tmp_path, 'voc', ['train'])
    (base / 'Annotations/c.xml').unlink()
    with _refused('no annotation file', 'Annotations/c.xml'):
        read_set(tmp_path, 'voc', ['val'])


def test_voc_list_of_another_form_and_without_objects(tmp_path):
    base = write_voc(tmp_path / 'set', {'train': TRAIN, 'val': {'d': []}})
    with _refused('val.txt', 'has an annotated object'):
        read_set(tmp_path, 'voc', ['val'])
    (base / 'ImageSets/Main/train.txt').write_text('a  1\nb -1\n')
    with _refused('train.txt, line 1', 'one image name a line'):
        read_set(tmp_path, 'voc', ['train'])
    (base / 'ImageSets/Main/train.txt').write_text('')
    with _refused('train.txt lists no images'):
        read_set(tmp_path, 'voc', ['train'])


# --------------------------------------------------------------------------------------- COCO


@pytest.mark.parametrize('file', [
    'annotations/instances_train.json', 'train.json', 'labels/my_train.json',
    'train/_annotations.coco.json'
])
@pytest.mark.parametrize('images', ['images', 'train', '.', 'some/where'])
def test_coco_set_is_found_by_the_usual_names(tmp_path, file, images):
    content = coco_content(TRAIN)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(json.dumps(content))
    (tmp_path / 'captions_train.json').write_text('[]')
    for name in TRAIN:
        write_image(tmp_path / images / f'{name}.jpg')
    found = read_set(tmp_path, 'coco', ['trainval', 'train'])
    assert (found.split, found.ann_file) == ('train', tmp_path / file)
    assert found.image_dir == tmp_path / images
    assert found.classes == ('owl', 'cat', 'dog')  # as the file has them
    assert (found.images, found.num_objects, found.without_mask) == ({'a.jpg', 'b.jpg'}, 3, 0)


def test_names_with_folders(tmp_path):
    write_coco(tmp_path, {'train': {'sub/dir/a': TRAIN['a']}}, image_dir='deep/images')
    assert read_set(tmp_path, 'coco', ['train']).image_dir == tmp_path / 'deep/images'
    write_coco(tmp_path / 'other', {'train': {'sub/a': TRAIN['a']}}, image_dir='')
    assert read_set(tmp_path / 'other', 'coco', ['train']).image_dir == tmp_path / 'other'


def test_splits_that_number_their_images_alike(tmp_path):
    write_coco(tmp_path, {'val': {'a': TRAIN['a']}}, image_dir='val')
    write_coco(tmp_path, {'train': TRAIN}, image_dir='train')  # also has an a.jpg
    assert read_set(tmp_path, 'coco', ['val']).image_dir == tmp_path / 'val'
    assert read_set(tmp_path, 'coco', ['train']).image_dir == tmp_path / 'train'


def test_longer_name_of_another_split_is_not_taken(tmp_path):
    write_coco(tmp_path, {'test_unseen': TEST})
    with _refused('instances_test.json', 'instances_test_unseen.json'):
        read_set(tmp_path, 'coco', ['test'])
    assert read_set(tmp_path, 'coco', ['test_unseen']).images == {'c.jpg'}


def _spoil(key, value):
    return lambda content: {**content, key: value}


def _spoil_first(key, **changes):
    return lambda content: {**content, key: [{**content[key][0], **changes}, *content[key][1:]]}


@pytest.mark.parametrize('spoil, message', [
    (lambda content: [], "no list 'categories'"),
    (_spoil('categories', []), 'no classes'),
    (_spoil('annotations', []), 'no annotations'),
    (_spoil('images', None), "no list 'images'"),
    (_spoil('images', [{'id': 0}]), "entry 0 of 'images' lacks"),
    (_spoil_first('annotations', category_id=77), 'annotation 1 is of the class with id 77'),
    (_spoil_first('annotations', image_id=9), 'annotation 1 belongs to the image with id 9'),
    (_spoil_first('annotations', bbox=[1, 2]), r'annotation 1 needs a bbox'),
    (_spoil_first('annotations', bbox=[1, 2, float('nan'), 4]), r'annotation 1 needs a bbox'),
    (_spoil_first('categories', name='dog'), 'names and ids of the categories must differ'),
])
def test_coco_file_that_is_wrong_is_named(tmp_path, spoil, message):
    write_coco(tmp_path, {'train': TRAIN})
    file = tmp_path / 'annotations/instances_train.json'
    file.write_text(json.dumps(spoil(json.loads(file.read_text()))))
    with _refused('instances_train.json', message):
        read_set(tmp_path, 'coco', ['train'])


def test_truncated_json(tmp_path):
    write_coco(tmp_path, {'train': TRAIN})
    file = tmp_path / 'annotations/instances_train.json'
    file.write_text(file.read_text()[:100])
    with _refused('instances_train.json is not readable JSON'):
        read_set(tmp_path, 'coco', ['train'])


def test_coco_images_that_are_absent(tmp_path):
    write_coco(tmp_path, {'train': {**TRAIN, **TEST}})
    (tmp_path / 'images/b.jpg').unlink(), (tmp_path / 'images/c.jpg').unlink()
    with _refused('2 of the 3 images', 'instances_train.json', 'images', 'b.jpg, c.jpg'):
        read_set(tmp_path, 'coco', ['train'])
    (tmp_path / 'images/a.jpg').unlink()
    with _refused('instances_train.json', 'no a.jpg in any folder'):
        read_set(tmp_path, 'coco', ['train'])

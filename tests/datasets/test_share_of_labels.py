"""The labelled share of semi-supervised learning."""

from collections import Counter

import pytest
from PIL import Image

from infomin_plugin.datasets import ImageFolder, LabelledShare

COUNTS = dict(ant=40, bee=10, cat=3)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('classes')
    for name, count in COUNTS.items():
        (root / name).mkdir()
        for index in range(count):
            Image.new('RGB', (4, 4)).save(root / name / f'{name}_{index:02}.JPEG')
    return root


def names(data):
    return [data.get_data_info(index)['img_path'].split('/')[-1] for index in range(len(data))]


@pytest.mark.parametrize('share, counts', [(0.1, (4, 1, 1)), (0.5, (20, 5, 2)), (1, (40, 10, 3))])
def test_each_class_gives_its_share(root, share, counts):
    data = LabelledShare(str(root), share=share)
    assert tuple(Counter(data.get_data_info(i)['gt_label'] for i in range(len(data))).values()) \
        == counts
    assert len(set(names(data))) == sum(counts) and names(data) == sorted(names(data))
    assert data.metainfo['classes'] == ('ant', 'bee', 'cat')


def test_the_seed_sets_the_draw(root):
    first, again, other = (names(LabelledShare(str(root), share=0.5, seed=seed))
                           for seed in (0, 0, 1))
    assert first == again != other


def test_draws_of_a_class_are_its_own(root, tmp_path):
    """Another set of images of a later class changes nothing in an earlier one."""
    (tmp_path / 'ant').symlink_to(root / 'ant')
    (tmp_path / 'bee').symlink_to(root / 'cat')
    drawn = [[name for name in names(LabelledShare(str(folder), share=0.2)) if 'ant' in name]
             for folder in (root, tmp_path)]
    assert drawn[0] == drawn[1] and len(drawn[0]) == 8


@pytest.mark.parametrize('lines', [
    ['bee_01.JPEG', 'ant_30.JPEG'],  # SimCLR's
    ['ant/ant_30.JPEG 0', 'bee/bee_01.JPEG 1'],  # mmselfsup's
    ['ant/ant_30', '', 'bee/bee_01 7', 'bee/bee_01.JPEG']])
def test_a_list_names_the_images(root, tmp_path, lines):
    (tmp_path / 'list.txt').write_text('\n'.join(lines) + '\n')
    data = LabelledShare(str(root), ann_file=str(tmp_path / 'list.txt'))
    assert names(data) == ['ant_30.JPEG', 'bee_01.JPEG']
    assert [data.get_data_info(i)['gt_label'] for i in range(2)] == [0, 1]


def test_a_whole_share_is_the_folder(root):
    whole = ImageFolder(str(root), with_labels=True)
    assert names(LabelledShare(str(root), share=1.0)) == names(whole)


@pytest.mark.parametrize('content, message', [
    ('dog/dog_01.JPEG', "'dog/dog_01.JPEG' of .*list.txt is not in"),
    ('\n', 'is empty'), ('same.JPEG', 'is in 2 folders: write class/file')])
def test_wrong_lists_are_named(root, tmp_path, content, message):
    for name in ('x', 'y'):
        (tmp_path / 'set' / name).mkdir(parents=True)
        Image.new('RGB', (4, 4)).save(tmp_path / 'set' / name / 'same.JPEG')
    (tmp_path / 'list.txt').write_text(content)
    with pytest.raises(ValueError, match=message):
        LabelledShare(str(tmp_path / 'set'), ann_file=str(tmp_path / 'list.txt'))


@pytest.mark.parametrize('arguments, message', [
    (dict(), 'either share'), (dict(share=0.1, ann_file='list.txt'), 'either share'),
    (dict(share=0), 'share must be above 0'), (dict(share=1.5), 'share'),
    (dict(share=0.1, with_labels=False), 'with_labels must be True')])
def test_wrong_arguments_are_named(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        LabelledShare(str(root), **arguments)


def test_a_missing_list_is_named(root):
    with pytest.raises(FileNotFoundError, match='no list of images at nothing.txt'):
        LabelledShare(str(root), ann_file='nothing.txt')

"""Trees of images: what is listed, and what happens to broken files."""

import logging

import numpy as np
import pytest
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import DataLoader

from infomin_plugin.datasets import ImageFolder
from infomin_plugin.datasets.transforms import ImageError
from infomin_plugin.registry import DATASETS

LOAD = [dict(type='LoadImage')]
VIEWS = [
    *LOAD,
    dict(type='MultiView', views=dict(num=1, recipe=[dict(type='RandomResizedCrop', size=8)])),
    dict(type='PackViews')
]


def write(path, size=(20, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.RandomState(0).randint(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def listed(dataset, root):
    return [dataset.get_data_info(i)['img_path'].removeprefix(f'{root}/')
            for i in range(len(dataset))]


@pytest.fixture
def tree(tmp_path):
    """Images at several depths, among files and folders that are none of ours."""
    for name in ('b/2.jpg', 'a/deep/er/1.PNG', 'a/10.jpeg', 'top.bmp', '.hidden/x.jpg',
                 'a/._10.jpeg.jpg'):
        write(tmp_path / name)
    (tmp_path / 'a' / 'readme.txt').write_text('no image')
    return tmp_path


@pytest.fixture
def many(tmp_path):
    """Forty images, 00.jpg to 39.jpg."""
    for i in range(40):
        write(tmp_path / f'{i:02}.jpg')
    return tmp_path


@pytest.fixture
def log(tmp_path_factory):
    """Read what is logged, by worker processes too."""
    path = tmp_path_factory.mktemp('log') / 'log'
    handler = logging.FileHandler(path)
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    yield lambda: path.read_text().splitlines()
    logger.removeHandler(handler)
    handler.close()


def test_tree_is_listed_sorted_at_any_depth(tree):
    dataset = DATASETS.build(dict(type='ImageFolder', data_root=str(tree)))
    assert listed(dataset, tree) == ['a/10.jpeg', 'a/deep/er/1.PNG', 'b/2.jpg', 'top.bmp']
    assert dataset.get_data_info(0)['gt_label'] == -1


def test_parts_of_a_tree(tree):
    assert listed(ImageFolder(str(tree), extensions=['.JPG']), tree) == ['b/2.jpg']
    assert listed(ImageFolder(str(tree), data_prefix=dict(img_path='a')), tree) == [
        'a/10.jpeg', 'a/deep/er/1.PNG']
    assert listed(ImageFolder(str(tree), indices=1), tree) == ['a/10.jpeg']


def test_the_split_of_a_tree_that_is_divided(tmp_path, log):
    for name in ('train/a/1.jpg', 'train/b/2.jpg', 'val/a/3.jpg', 'test/4.jpg'):
        write(tmp_path / name)
    dataset = ImageFolder(str(tmp_path), split='train', with_labels=True)
    assert listed(dataset, tmp_path) == ['train/a/1.jpg', 'train/b/2.jpg']
    assert dataset.metainfo['classes'] == ('a', 'b')
    assert any(f'{tmp_path}/train is used' in line for line in log())
    assert listed(ImageFolder(f'{tmp_path}/train', split='train'), tmp_path) == [
        'train/a/1.jpg', 'train/b/2.jpg']
    assert len(ImageFolder(str(tmp_path))) == 4


def test_a_tree_is_not_divided_by_one_name_alone(tmp_path):
    for name in ('train/1.jpg', 'bus/2.jpg'):  # vehicles
        write(tmp_path / name)
    assert len(ImageFolder(str(tmp_path), split='train')) == 2


def test_a_split_that_is_not_there_is_named(tmp_path):
    for name in ('train/1.jpg', 'val/2.jpg'):
        write(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}/ has train and val, but no test'):
        ImageFolder(str(tmp_path), split='test')


def test_links_are_followed_but_not_in_circles(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp('elsewhere')
    write(elsewhere / 'linked.jpg')
    (tree / 'b' / 'there').symlink_to(elsewhere)
    (tree / 'b' / 'back').symlink_to(tree)
    assert 'b/there/linked.jpg' in listed(ImageFolder(str(tree)), tree)
    assert len(ImageFolder(str(tree))) == 5


def test_first_level_folders_are_classes(tree):
    (tree / 'top.bmp').unlink()
    dataset = ImageFolder(str(tree), with_labels=True)
    assert dataset.metainfo['classes'] == ('a', 'b')
    assert [dataset.get_data_info(i)['gt_label'] for i in range(3)] == [0, 0, 1]
    other = ImageFolder(str(tree), with_labels=True, metainfo=dict(classes=['b', 'c', 'a']))
    assert [other.get_data_info(i)['gt_label'] for i in range(3)] == [2, 2, 0]


def test_label_errors_name_the_folder(tree):
    with pytest.raises(ValueError, match=r'top\.bmp lies in no class folder'):
        ImageFolder(str(tree), with_labels=True)
    (tree / 'top.bmp').unlink()
    with pytest.raises(ValueError, match=r"folders \['b'\] of .* not in metainfo"):
        ImageFolder(str(tree), with_labels=True, metainfo=dict(classes=['a']))


def test_missing_and_empty_roots_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f'data_root.*{tmp_path}/nowhere'):
        ImageFolder(str(tmp_path / 'nowhere'))
    with pytest.raises(FileNotFoundError, match=rf'data_root: {tmp_path}.* has no images.*\.jpg'):
        ImageFolder(str(tmp_path))
    with pytest.raises(ValueError, match='data_root is not set'):
        ImageFolder()


@pytest.mark.parametrize('arguments, message', [
    (dict(max_broken=5), r'max_broken must be in \[0, 1\], got 5'),
    (dict(extensions='.jpg'), 'extensions must be a list'),
    (dict(split='valid'), "split must be one of train, val, test, or None, got 'valid'"),
])
def test_bad_arguments_are_named(tree, arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageFolder(str(tree), **arguments)


@pytest.mark.parametrize('workers', [0, 2])
def test_broken_file_is_replaced_and_named_once(many, log, workers):
    truncate(many / '07.jpg')
    loader = DataLoader(ImageFolder(str(many), pipeline=VIEWS), batch_size=5, shuffle=True,
                        num_workers=workers)
    for _ in range(3):  # workers are started anew in each epoch
        paths = [path for batch in loader for path in batch['img_path']]
        assert len(paths) == 40
        assert str(many / '07.jpg') not in paths
    warnings = [line for line in log() if 'cannot read' in line]
    assert len(warnings) == 1
    assert str(many / '07.jpg') in warnings[0] and '1 unreadable' in warnings[0]


@pytest.mark.parametrize('broken, max_broken, gives_up', [
    (10, 0.05, False), (11, 0.05, True), (12, 0.3, False), (13, 0.3, True)])
def test_many_broken_files_are_too_many(many, log, broken, max_broken, gives_up):
    for i in range(broken):
        truncate(many / f'{i:02}.jpg')
    dataset = ImageFolder(str(many), pipeline=LOAD, max_broken=max_broken)
    message = f'{broken} of 40 images of {many}/ are unreadable, max_broken = {max_broken}'

    def epoch():
        for i in range(len(dataset)):
            dataset.prepare_data(i)

    if gives_up:
        with pytest.raises(RuntimeError, match=message):
            epoch()
    else:
        epoch()
    assert len([line for line in log() if 'cannot read' in line]) == broken - gives_up


def test_half_of_a_small_set_is_too_many(tmp_path):
    for name in 'abcd':
        write(tmp_path / f'{name}.jpg')
    truncate(tmp_path / 'a.jpg')
    dataset = ImageFolder(str(tmp_path), pipeline=LOAD)
    assert dataset[0]['img_path'] != str(tmp_path / 'a.jpg')
    truncate(tmp_path / 'b.jpg')
    with pytest.raises(RuntimeError, match=r'2 of 4 images .* unreadable.*allows 1.*b\.jpg'):
        dataset.prepare_data(1)


def test_workers_hand_the_error_on(many):
    for path in many.iterdir():
        truncate(path)
    loader = DataLoader(ImageFolder(str(many), pipeline=VIEWS), batch_size=4, num_workers=1)
    with pytest.raises(RuntimeError, match='max_broken = 0.05 allows 10'):
        list(loader)


def test_broken_file_is_an_error_in_test_mode(many):
    truncate(many / '03.jpg')
    dataset = ImageFolder(str(many), pipeline=LOAD, test_mode=True)
    with pytest.raises(ImageError, match=r'03\.jpg'):
        dataset[3]


def test_other_errors_are_not_taken_for_broken_files(many):
    pipeline = [*LOAD, dict(type='JigsawPatches', cell=85, patch=64)]
    with pytest.raises(ValueError, match='needs images of 255x255 px'):
        ImageFolder(str(many), pipeline=pipeline)[0]

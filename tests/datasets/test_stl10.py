"""STL-10's binary files against torchvision's reader, and files that are not whole."""

import pickle

import numpy as np
import pytest
from stl10_files import CLASSES, write_stl10
from torch.utils.data import DataLoader
from torchvision.datasets import STL10 as TorchvisionSTL10

from infomin_plugin.datasets import STL10
from infomin_plugin.registry import DATASETS

PACK = [
    dict(type='MultiView', views=dict(num=1, recipe=[dict(type='RandomCrop', size=96)])),
    dict(type='PackViews', meta_keys=('gt_label', 'sample_idx')),
]


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp('stl10') / 'stl10_binary'
    return root, write_stl10(root)


@pytest.fixture
def own(tmp_path):
    """Files that a test may break."""
    root = tmp_path / 'stl10_binary'
    write_stl10(root, train=4, test=2, unlabeled=2)
    return root


@pytest.mark.parametrize('split', ['train', 'test', 'unlabeled', 'train+unlabeled'])
def test_reads_what_torchvision_reads(files, split, monkeypatch):
    root, _ = files
    monkeypatch.setattr(TorchvisionSTL10, '_check_integrity', lambda self: True)
    theirs = TorchvisionSTL10(str(root.parent), split)
    ours = DATASETS.build(dict(type='STL10', data_root=str(root), split=split))
    assert len(ours) == len(theirs) > 0
    for index, (image, label) in enumerate(theirs):
        sample = ours[index]
        np.testing.assert_array_equal(sample['img'], np.asarray(image))
        assert sample['gt_label'] == label and sample['sample_idx'] == index


def test_images_are_upright(files):
    root, written = files
    np.testing.assert_array_equal(STL10(str(root), 'test')[3]['img'], written['test'][3])
    assert STL10(str(root)).metainfo['classes'] == CLASSES


def test_folds_are_the_listed_training_images(files):
    root, written = files
    for fold in (0, 9):
        dataset = STL10(str(root), fold=fold)
        assert len(dataset) == len(written['folds'][fold])
        for sample, index in zip(dataset, written['folds'][fold], strict=True):
            np.testing.assert_array_equal(sample['img'], written['train'][index])
            assert sample['gt_label'] == written['train_labels'][index]


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_workers_read_for_themselves(files, context):
    root, written = files
    dataset = STL10(str(root), 'train+unlabeled', pipeline=PACK)
    dataset[0]  # opens a map in this process
    loader = DataLoader(dataset, 25, num_workers=1, multiprocessing_context=context)
    views, labels = zip(*((batch['inputs']['views'][0], batch['gt_label']) for batch in loader),
                        strict=True)
    expected = np.concatenate([written['train'], written['unlabeled']])
    np.testing.assert_array_equal(np.concatenate(views), expected)
    assert np.concatenate(labels).tolist() == written['train_labels'].tolist() + [-1] * 30


def test_a_pickled_set_leaves_the_images_out(files):
    dataset = STL10(str(files[0]), 'unlabeled')
    image = dataset[5]['img']
    data = pickle.dumps(dataset)
    assert len(data) < 27648
    np.testing.assert_array_equal(pickle.loads(data)[5]['img'], image)


def test_an_image_is_not_written_to(files):
    with pytest.raises(ValueError, match='read-only'):
        STL10(str(files[0]))[0]['img'][0] = 0


@pytest.mark.parametrize('name, content, message', [
    ('train_X.bin', b'x' * 1000, r'train_X.bin has 1000 bytes.*multiple of 27648.*138240000$'),
    ('unlabeled_X.bin', b'', r'unlabeled_X.bin has 0 bytes.*2764800000$'),
    ('train_y.bin', b'\x01' * 5, r'train_y.bin has 5 labels of a byte, but there are 4 images'),
    ('train_y.bin', b'\x00\x01\x02\x03', r'train_y.bin has labels 0…3; they must be 1…10'),
    ('train_y.bin', b'\x01\x01\x02\x0b', r'train_y.bin has labels 1…11'),
])
def test_files_of_another_size_are_named(own, name, content, message):
    (own / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        STL10(str(own), 'train+unlabeled')


def test_folds_out_of_the_file(own):
    (own / 'fold_indices.txt').write_text('\n'.join(['0 4'] * 10))
    with pytest.raises(ValueError, match='fold 2 must hold indices 0…3'):
        STL10(str(own), fold=2)
    (own / 'fold_indices.txt').write_text('0 1')
    with pytest.raises(ValueError, match='has 1 lines'):
        STL10(str(own), fold=0)


def test_missing_files_are_named(own, tmp_path):
    (own / 'unlabeled_X.bin').unlink()
    assert len(STL10(str(own))) == 4
    with pytest.raises(FileNotFoundError, match=r'has no unlabeled_X\.bin: .*stl10_binary'):
        STL10(str(own), 'unlabeled')
    with pytest.raises(FileNotFoundError, match='has no class_names.txt'):
        STL10(str(tmp_path))
    with pytest.raises(ValueError, match='data_root is not set'):
        STL10()


@pytest.mark.parametrize('arguments, message', [
    (dict(split='all'), r"split must be one of \['test', 'train', .*got 'all'"),
    (dict(fold=10), r'fold must be 0…9 or None, got 10'),
    (dict(split='test', fold=1), "fold is for split='train' only"),
])
def test_bad_arguments_are_named(own, arguments, message):
    with pytest.raises(ValueError, match=message):
        STL10(str(own), **arguments)

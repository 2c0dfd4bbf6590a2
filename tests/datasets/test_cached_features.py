import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from infomin_plugin.datasets.cached_features import CachedFeatures, write_features

FEATURES = np.arange(20, dtype=np.float32).reshape(5, 4)
LABELS = np.array([0, 1, 1, 0, 2])


def batches(sizes):
    start = 0
    for size in sizes:
        part = slice(start, start + size)
        yield FEATURES[part], LABELS[part], [f'{i}.png' for i in range(start, start + size)]
        start += size


def description(**changes):
    return dict(images=5, classes=('a', 'b', 'c'), trunk='0123') | changes


@pytest.fixture
def folder(tmp_path):
    write_features(tmp_path / 'new' / 'train', batches((2, 2, 1)), description())
    return tmp_path / 'new' / 'train'


def test_what_is_written_is_read(folder):
    data = CachedFeatures(str(folder))
    assert data.metainfo['classes'] == ('a', 'b', 'c') and data.metainfo['trunk'] == '0123'
    assert isinstance(data.features, np.memmap)
    batch, = DataLoader(data, batch_size=5, num_workers=1)
    assert torch.equal(batch['inputs'], torch.from_numpy(FEATURES))
    assert torch.equal(batch['gt_label'], torch.from_numpy(LABELS))
    assert json.loads((folder / 'names.json').read_text()) == [f'{i}.png' for i in range(5)]


@pytest.mark.parametrize('images', [4, 6])
def test_half_a_cache_never_appears(tmp_path, images):
    with pytest.raises(ValueError, match=f'{images} images were to come, 5 came'):
        write_features(tmp_path / 'train', batches((2, 2, 1)), description(images=images))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_on_the_way_leaves_nothing(tmp_path):
    def broken():
        yield from batches((2, ))
        raise RuntimeError('no such image')

    with pytest.raises(RuntimeError):
        write_features(tmp_path / 'train', broken(), description())
    assert list(tmp_path.iterdir()) == []


def test_a_cache_is_never_written_over(folder):
    with pytest.raises(OSError):
        write_features(folder, batches((5, )), description(trunk='4567'))
    assert CachedFeatures(str(folder)).metainfo['trunk'] == '0123'


@pytest.mark.parametrize('classes, message', [
    (('a', 'b', 'd'), 'no class d and the further class c'), (('a', 'b'), 'the further class c'),
    (('c', 'b', 'a'), 'the classes in another order')])
def test_other_classes_are_refused(folder, classes, message):
    with pytest.raises(ValueError, match=message):
        CachedFeatures(str(folder), metainfo=dict(classes=classes))


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere has no features.npy, .*cache_features.py'):
        CachedFeatures(str(tmp_path / 'nowhere'))
    (folder / 'labels.npy').unlink()
    with pytest.raises(FileNotFoundError, match='train has no labels.npy'):
        CachedFeatures(str(folder))


def test_files_that_do_not_fit_are_named(folder):
    np.save(folder / 'labels.npy', LABELS[:3])
    with pytest.raises(ValueError, match=r'features.npy is \(5, 4\), labels.npy is \(3,\)'):
        CachedFeatures(str(folder))
    (folder / 'description.json').write_text('{')
    with pytest.raises(ValueError, match='description.json does not describe'):
        CachedFeatures(str(folder))

"""Batches of labelled and unlabelled images at a set ratio: mmdet's sampler does it."""

from collections import Counter

import mmdet.datasets.samplers.multi_source_sampler as sampler_module
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image

from infomin_plugin.engine.settings.preflight import check_source_ratio

LABELLED, UNLABELLED, BATCH = 12, 30, 8


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Twelve labelled images of two classes, thirty unlabelled, each of a grey of its own."""
    root = tmp_path_factory.mktemp('set')
    names = [f'labelled/{"ab"[i % 2]}/{i}.png' for i in range(LABELLED)]
    names += [f'unlabelled/{i}.png' for i in range(UNLABELLED)]
    for grey, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), grey, np.uint8)).save(root / name)
    return root


def loader(root, ratio=(1, 3), seed=0, workers=0, sampler_batch=BATCH):
    pipeline = [dict(type='LoadImage'),
                dict(type='MultiView', views=dict(num=1, recipe=[dict(type='RandomCrop', size=8)])),
                dict(type='PackViews', meta_keys=('gt_label', ))]
    datasets = [dict(type='ImageFolder', data_root=str(root / name), with_labels=labels,
                     pipeline=pipeline)
                for name, labels in (('labelled', True), ('unlabelled', False))]
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        return Runner.build_dataloader(dict(
            batch_size=BATCH, num_workers=workers, collate_fn=dict(type='default_collate'),
            sampler=dict(type='mmdet.MultiSourceSampler', batch_size=sampler_batch,
                         source_ratio=list(ratio)),
            dataset=dict(type='ConcatDataset', datasets=datasets, ignore_keys=['classes'])),
            seed=seed)


def batches(loader, count):
    """(greys, labels) of the first batches; the grey tells which image it is."""
    found = []
    for batch in loader:
        found.append((batch['inputs']['views'][0][:, 0, 0, 0].tolist(),
                      batch['gt_label'].tolist()))
        if len(found) == count:
            return found


@pytest.mark.parametrize('ratio, labelled', [((1, 3), 2), ((1, 1), 4), ((3, 1), 6)])
@pytest.mark.parametrize('workers', [0, 2])
def test_every_batch_has_the_ratio(root, ratio, labelled, workers):
    for greys, labels in batches(loader(root, ratio, workers=workers), 5):
        assert [label >= 0 for label in labels] == [grey < LABELLED for grey in greys]
        assert sum(label >= 0 for label in labels) == labelled
        assert set(labels) <= {-1, 0, 1}


def test_each_source_is_gone_through_before_it_repeats(root):
    greys = [grey for greys, _ in batches(loader(root), 5) for grey in greys]
    counts = Counter(greys)
    # five batches: 10 of 12 labelled, 30 of 30 unlabelled images
    assert max(counts.values()) == 1
    assert sum(grey >= LABELLED for grey in counts) == UNLABELLED


def test_the_seed_sets_the_order(root):
    first, again, other = (batches(loader(root, seed=seed), 4) for seed in (0, 0, 1))
    assert first == again != other


def test_processes_share_the_images_at_the_same_ratio(root, monkeypatch):
    seen = []
    for rank in range(2):
        monkeypatch.setattr(sampler_module, 'get_dist_info', lambda rank=rank: (rank, 2))
        found = batches(loader(root), 2)
        assert all(sum(label >= 0 for label in labels) == 2 for _, labels in found)
        seen.append({grey for greys, _ in found for grey in greys})
    assert not seen[0] & seen[1]


@pytest.mark.parametrize('arguments, message', [
    (dict(sampler_batch=4), r'sampler.batch_size is 4 and train_dataloader.batch_size 8'),
    (dict(ratio=(20, 1)), r'source_ratio \[20, 1\] gives the sources \[8, 0\] places'),
])
def test_a_ratio_that_cannot_be_kept_is_refused(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        check_source_ratio(loader(root, **arguments))


def test_other_samplers_pass(root):
    check_source_ratio(loader(root))
    check_source_ratio(torch.utils.data.DataLoader(range(4), batch_size=2))

"""Features of two processes are those of one, and no more than they are exchanged.

Also the process that is started.
"""

import re
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset
from two_processes import PROCESSES, results_of, work

from infomin_plugin.engine.measures.interleaved import gather_interleaved
from infomin_plugin.engine.measures.trained import extract_features, extract_pairs

SIZE, BATCH, IMAGES = 512, 100, 401  # odd: the sampler repeats an image
FEATURES_BYTES = 4 * SIZE * IMAGES
CASES = {'repeated': dict(), 'uneven': dict(round_up=False), 'in one batch': dict(batch=IMAGES),
         'even': dict(images=400)}


@DATASETS.register_module()
class Numbered(Dataset):
    """Image i is i at every place, its label i modulo 7, its position i and 2i."""

    def __init__(self, images=IMAGES):
        self.images = images
        self.metainfo = dict(classes=tuple('abcdefg'))

    def __len__(self):
        return self.images

    def __getitem__(self, index):
        return dict(inputs=torch.full((SIZE, ), float(index)), gt_label=index % 7,
                    position=torch.tensor([index, 2. * index]))


class Model(nn.Module):
    """Features are the image plus its place in a row."""

    def __init__(self):
        super().__init__()
        self.places = nn.Parameter(torch.arange(SIZE) / SIZE)

    def data_preprocessor(self, batch):
        return dict(inputs=batch['inputs'])

    def forward(self, inputs, mode):
        assert not self.training
        features = inputs + self.places
        if mode == 'tensor':
            return features
        return [(features[:, :3], -features[:, :3]), (2 * features[:, :2], features[:, 3:5])]


def loader(images=IMAGES, batch=BATCH, round_up=True, drop_last=False):
    return Runner.build_dataloader(dict(
        batch_size=batch, num_workers=0, drop_last=drop_last,
        sampler=dict(type='DefaultSampler', shuffle=False, round_up=round_up),
        collate_fn=dict(type='default_collate'), dataset=dict(type='Numbered', images=images)))


def extracted(**settings):
    model = Model().train()
    found = extract_features(model, loader(**settings), ('gt_label', 'position'))
    assert model.training
    return found


def written_bytes():
    """What this process has written to files and sockets since it began."""
    lines = Path('/proc/self/io').read_text().splitlines()
    return int(dict(line.split(': ') for line in lines)['wchar'])


def refusal(**settings):
    try:
        extract_features(Model(), loader(**settings))
    except ValueError as error:
        return str(error)


def run(rank):
    before = written_bytes() if sys.platform == 'linux' else 0
    found = dict(cases={'repeated': extracted()})
    found['written'] = written_bytes() - before if sys.platform == 'linux' else 0
    found['pairs'] = extract_pairs(Model(), loader())
    rows = [torch.arange(11.).view(11, 1).expand(11, 3)[rank::PROCESSES], torch.arange(11)[rank::2]]
    found['blocks'] = [gather_interleaved(rows, 11, block_bytes) for block_bytes in (1, 24, 60)]
    found['refusals'] = [refusal(images=1, round_up=False),
                         refusal(images=7, batch=2, round_up=False, drop_last=True)]
    found['dropped'] = extracted(batch=150, drop_last=True)
    for name, settings in list(CASES.items())[1:]:
        found['cases'][name] = extracted(**settings)
    return found


@pytest.fixture(scope='module')
def found(tmp_path_factory):
    return results_of(__file__, tmp_path_factory.mktemp('processes'))


@pytest.mark.parametrize('case', CASES)
def test_two_processes_have_the_features_of_one_in_its_order(case, found):
    main, other = (each['cases'][case] for each in found)
    features, labels, positions = extracted(**CASES[case])
    images = torch.arange(CASES[case].get('images', IMAGES))
    assert torch.equal(labels, images % 7) and torch.equal(positions[:, 1], 2. * images)
    for here, there in zip((features, labels, positions), main, strict=True):
        assert torch.equal(here, there) and here.dtype == there.dtype
    assert [len(part) for part in other] == [0, 0, 0]


def test_pairs_are_gathered_alike(found):
    alone = extract_pairs(Model(), loader())
    assert len(alone) == len(found[0]['pairs']) == 2
    for here, there in zip(alone, found[0]['pairs'], strict=True):
        assert all(map(torch.equal, here, there))


@pytest.mark.skipif(sys.platform != 'linux', reason='counted by /proc')
def test_a_process_sends_its_features_and_little_else(found):
    sent = found[1]['written']
    assert FEATURES_BYTES / 2 <= sent < 1.5 * FEATURES_BYTES


def test_the_length_of_a_block_is_no_matter(found):
    for rows, numbers in found[0]['blocks']:
        assert torch.equal(numbers, torch.arange(11))
        assert torch.equal(rows, torch.arange(11.).view(11, 1).expand(11, 3))


def test_a_loader_that_drops_a_batch_gives_the_others_in_order(found):
    features, labels, _ = found[0]['dropped']
    assert torch.equal(labels, torch.arange(300) % 7)
    assert torch.equal(features[:, 0], torch.arange(300.))


@pytest.mark.parametrize('which, counts', [(0, r'\[1, 0\]'), (1, r'\[4, 2\]')])
def test_images_that_are_not_dealt_out_in_turn_are_refused(which, counts, found):
    messages = [each['refusals'][which] for each in found]
    assert messages[0] == messages[1] and re.search(counts, messages[0])


if __name__ == '__main__':
    work(run)

"""The game on two processes of half a batch each. This file is also the process that is started.

Negatives and labels are those of all processes: a player's step is that of the whole batch.
"""

import copy

import pytest
import torch
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn
from two_processes import PROCESSES, results_of, work
from two_views import classifiers, encoders, flow

from infomin_plugin.models import ViewLearning

BATCH, RATE = 8, 0.1
PLAYERS = ('generator', 'encoders', 'classifiers')
# of both processes, on both but not as many, on one only, on none
LABELS = {'same': [0, 1, -1, -1, 1, 0, -1, -1], 'uneven': [0, 1, 1, -1, 1, -1, -1, -1],
          'one': [0, 1, 1, -1] + 4 * [-1], 'none': 8 * [-1]}


def build():
    torch.manual_seed(0)
    model = ViewLearning(
        generator=flow('affine'), encoders=encoders(), classifiers=classifiers(), temperature=0.2,
        data_preprocessor=dict(type='infomin_plugin.ViewDataPreprocessor', mean=(0., 0., 0.),
                               std=(255., 255., 255.), keep=('gt_label', )))
    for parameter in model.generator.parameters():  # away from the identity
        nn.init.normal_(parameter, std=0.3)
    return model


def step(player, images, labels, wrap=lambda model: model):
    """Parameters after a step of SGD of one player; the others have rate 0."""
    model = build()
    wrapped = wrap(model)
    players = OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.SGD(getattr(model, name).parameters(),
                                           lr=RATE if name == player else 0.))
        for name in PLAYERS})
    batch = dict(inputs=dict(views=[images], patches=[]), gt_label=torch.tensor(labels))
    wrapped.train_step(copy.deepcopy(batch), players)
    wrapped.train_step(batch, players)  # whose forward would fail, were a reduction unfinished
    return {name: value.clone() for name, value in model.state_dict().items()}


def images():
    generator = torch.Generator().manual_seed(1)
    colours = torch.randint(206, (BATCH, 1, 1, 3), generator=generator)
    return (colours + torch.randint(50, (BATCH, 4, 5, 3), generator=generator)).byte()


def run(rank):
    share = slice(rank * BATCH // PROCESSES, (rank + 1) * BATCH // PROCESSES)
    return {f'{player}_{name}': step(player, images()[share], labels[share],
                                     MMSeparateDistributedDataParallel)
            for player in PLAYERS for name, labels in LABELS.items()}


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What each of two processes ends with."""
    return results_of(__file__, tmp_path_factory.mktemp('gloo'))


@pytest.mark.parametrize('labels', LABELS)
@pytest.mark.parametrize('player', PLAYERS)
def test_the_processes_agree_and_only_the_player_has_moved(results, player, labels):
    ours, theirs = (result[f'{player}_{labels}'] for result in results)
    before = build().state_dict()
    assert set(ours) == set(before)  # the names of one process
    moved = {name.split('.')[0] for name in ours if not torch.equal(ours[name], before[name])}
    assert moved == ({player} if (player, labels) != ('classifiers', 'none') else set())
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize('player', PLAYERS)
def test_a_step_is_that_of_the_whole_batch(results, player):
    expected = step(player, images(), LABELS['same'])
    for name, value in results[0][f'{player}_same'].items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('labels', ['uneven', 'one'])
def test_the_classifiers_step_is_that_of_all_labelled_images(results, labels):
    expected = step('classifiers', images(), LABELS[labels])
    for name, value in results[0][f'classifiers_{labels}'].items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-6)


if __name__ == '__main__':
    work(run)

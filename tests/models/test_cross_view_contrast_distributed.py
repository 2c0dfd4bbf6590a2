"""Two processes equal one with the whole batch. This file is also the process that is started."""


import pytest
import torch
from torch import nn
from two_processes import PROCESSES, results_of, work
from two_views import encoders

from infomin_plugin.models import CrossViewContrast

BATCH, STEPS = 8, 2
MEMORIES = {'queue': dict(type='KeyQueue', length=11, channels=4),
            'bank': dict(type='KeyBank', length=20, channels=4, num_negatives=9)}


def build(memory, **options):
    torch.manual_seed(0)
    model = CrossViewContrast(
        generator=dict(type='ColorSpaceGenerator', space='YDbDr'), encoders=encoders(**options),
        head=dict(type='ContrastiveHead', temperature=0.3), memory=MEMORIES[memory], momentum=0.9)
    model.init_weights()
    return model


def batches():
    """Images and their numbers in the data set, step by step."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        yield (torch.rand(BATCH, 3, 4, 5, generator=generator),
               torch.randperm(20, generator=generator)[:BATCH])


def train(memory, rate, rank=0, processes=1):
    """Keys of the memories and weights after two steps on this process's share."""
    model = build(memory)
    step = model
    if processes > 1:
        step = nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=rate)
    share = slice(rank * BATCH // processes, (rank + 1) * BATCH // processes)
    for images, indices in batches():
        step(dict(views=[images[share]]), sample_idx=indices[share], mode='loss')['loss'].backward()
        optimiser.step()
        optimiser.zero_grad()
        model.after_optimizer_step()
    return dict(keys=[memory.keys for memory in model.memories],
                weight=model.encoders.encoder2.backbone.layers[0].weight.detach())


def keys_and_company(rank):
    """This process's keys, and which images were normalised together for them."""
    model, (images, _) = build('queue', view_norm=True), next(batches())
    seen = []
    model.momentum_encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    own = images[rank * BATCH // PROCESSES:(rank + 1) * BATCH // PROCESSES]
    keys = model.encode_keys(model.generator.views(own))
    return dict(keys=keys, seen=[view.clone() for view in seen[0]])


def run(rank):
    torch.manual_seed(rank)  # the shuffle must not depend on equal random states
    return dict(queue=train('queue', 0.1, rank, PROCESSES), bank=train('bank', 0., rank, PROCESSES),
                company=[keys_and_company(rank) for _ in range(3)])


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """What each of two processes computes."""
    return results_of(__file__, tmp_path_factory.mktemp('gloo'))


@pytest.mark.parametrize('memory, rate', [('queue', 0.1), ('bank', 0.)])
def test_memories_hold_the_keys_of_all_processes(parts, memory, rate):
    """The banks' draws are each process's own: without learning they do not change the keys."""
    whole = train(memory, rate)
    for part in parts:
        for ours, theirs in zip(part[memory]['keys'], whole['keys'], strict=True):
            torch.testing.assert_close(ours, theirs)


def test_the_step_is_that_of_the_whole_batch(parts):
    whole = train('queue', 0.1)
    for part in parts:
        torch.testing.assert_close(part['queue']['weight'], whole['weight'])


def test_keys_are_normalised_in_other_company_than_the_queries(parts):
    images, _ = next(batches())
    views = build('queue').generator.views(images)
    companies = []
    for first, second in zip(parts[0]['company'], parts[1]['company'], strict=True):
        together = [torch.cat(pair) for pair in zip(first['seen'], second['seen'], strict=True)]
        order = [int((view == views[0]).flatten(1).all(dim=1).nonzero()) for view in together[0]]
        assert sorted(order) == list(range(BATCH))
        assert torch.equal(together[1], views[1][order])  # an image's views stay together
        companies.append(set(order[:BATCH // 2]))
    assert any(company != set(range(BATCH // 2)) for company in companies)


def test_keys_come_back_to_the_images_they_are_of(parts):
    images, _ = next(batches())
    for part, own in zip(parts, images.chunk(PROCESSES), strict=True):
        for company in part['company']:
            model = build('queue', view_norm=True)
            views = model.generator.views(own)
            # of those that stayed on this process
            expected = model.momentum_encoder(company['seen'])
            for ours, theirs, seen, view in zip(company['keys'], expected, company['seen'], views,
                                                strict=True):
                for key, image in zip(ours, view, strict=True):
                    here = (seen == image).flatten(1).all(dim=1).nonzero().flatten()
                    if len(here):
                        torch.testing.assert_close(key, theirs[int(here)])


if __name__ == '__main__':
    work(run)

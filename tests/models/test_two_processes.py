"""Two gloo processes of batch 16 are one of batch 32, over 20 steps, batch norm frozen.

In double precision, where a difference of meaning and one of rounding are far apart. What is drawn
an image (the order of its patches) or a step (negatives of a bank) is drawn alike in both. This
file is also the process that is started, once for all methods.
"""

import socket
from functools import cache

import pytest
import torch
from mmengine.model import MMSeparateDistributedDataParallel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import DefaultScope
from torch import nn
from two_processes import PROCESSES, results_of, work
from two_views import classifiers, encoders, flow

from infomin_plugin.models import CrossViewContrast, InfoMin, ViewLearning, shuffle_bn
from infomin_plugin.models.gather import gather_embeddings, gather_rows

BATCH, STEPS, IMAGES, PATCHES = 32, 20, 100, 2
QUEUE = dict(type='KeyQueue', length=75, channels=4)
BANK = dict(type='KeyBank', length=IMAGES, channels=4, num_negatives=50)
NECK = dict(type='mmselfsup.LinearNeck', in_channels=32, out_channels=4)
HEAD = dict(type='ContrastiveHead', temperature=0.15, loss_weight=0.5)
JIGSAW = dict(jigsaw_head=HEAD, jigsaw_neck=dict(
    type='JigsawNeck', patch_neck=NECK, channels=4, num_patches=PATCHES))
TRUNK = dict(backbone=dict(type='mmselfsup.ResNet', depth=18, stem_channels=4, base_channels=4,
                           out_indices=(4, )), neck=NECK, head=HEAD)
CROSS = dict(generator=dict(type='ColorSpaceGenerator', space='YDbDr'), encoders=encoders(),
             head=dict(type='ContrastiveHead', temperature=0.3))
METHODS = {
    'InfoMin': lambda: InfoMin(**TRUNK, **JIGSAW, memory=QUEUE, momentum=0.9),
    'PIRL': lambda: InfoMin(**TRUNK, **JIGSAW, memory=BANK),
    'InstDis': lambda: InfoMin(**TRUNK, memory=BANK),
    'CMC': lambda: CrossViewContrast(**CROSS, memory=BANK),
    'CMC v2': lambda: CrossViewContrast(**CROSS, memory=QUEUE, momentum=0.9),
    'learned views': lambda: CrossViewContrast(**CROSS),
    'view learning': lambda: ViewLearning(
        generator=flow('affine'), encoders=encoders(), classifiers=classifiers(), temperature=0.2,
        encoder_steps=2),
}


def build(method):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        model = METHODS[method]()
        model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model.double()


def batches(model):
    """Inputs, numbers of the images and labels (-1 for none) of all processes, step by step."""
    draw = torch.Generator().manual_seed(1)
    banked = any(type(module).__name__ == 'KeyBank' for module in model.modules())
    views, size = (2 - banked, 32) if isinstance(model, InfoMin) else (1, 4)
    for _ in range(STEPS):
        indices = torch.randperm(IMAGES, generator=draw)[:BATCH]
        labels = torch.randint(-1, 2, (BATCH, ), generator=draw)
        made = [torch.rand(BATCH, 3, size, size, generator=draw).double() for _ in range(views)]
        patches = torch.rand(BATCH, PATCHES, 3, 16, 16, generator=draw).double()
        yield made, patches, indices, labels


def orders_of_the_share(model, rank, size):
    """Let the patches of image n have the order that one process gives them."""

    def pre_hook(*_):
        torch.manual_seed(2)
        torch.rand(rank * size, PATCHES)

    if getattr(model, 'jigsaw_neck', None) is not None:
        model.jigsaw_neck.register_forward_pre_hook(pre_hook)


def train(method, rank=0, processes=1):
    """The whole state after 20 steps on this process's share, and the last losses."""
    model = build(method)
    size = BATCH // processes
    share = slice(rank * size, (rank + 1) * size)
    orders_of_the_share(model, rank, size)
    learn = learn_views if method == 'view learning' else learn_features
    losses = learn(model, share, processes)
    return dict(state=model.state_dict(), losses=losses)


def learn_features(model, share, processes):
    step = model if processes == 1 else nn.parallel.DistributedDataParallel(
        model, broadcast_buffers=False)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05,
                                momentum=0.9)
    for number, (views, patches, indices, _) in enumerate(batches(model)):
        torch.manual_seed(number)  # negatives of a bank
        inputs = dict(views=[view[share] for view in views], patches=[patches[share]])
        losses = step(inputs, sample_idx=indices[share], mode='loss')
        sum(value for name, value in losses.items() if name.startswith('loss')).backward()
        optimiser.step()
        optimiser.zero_grad()
        model.after_optimizer_step()
    return {name: value.detach() for name, value in losses.items() if name.startswith('loss')}


def learn_views(model, share, processes):
    step = model if processes == 1 else MMSeparateDistributedDataParallel(model)
    players = OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.SGD(getattr(model, name).parameters(), lr=0.02))
        for name in ('generator', 'encoders', 'classifiers')})
    model.data_preprocessor.forward = lambda data, training: data
    for views, _, _, labels in batches(model):
        log = step.train_step(dict(inputs=dict(views=[view[share] for view in views]),
                                   gt_label=labels[share]), players)
    return {name: log[name] for name in ('loss_encoders', 'i_nce', 'i_nce_max')}


def shuffled_keys(rank, method):
    """Keys of this process's half, and the batches that the key encoder saw."""
    model = build(method)
    views, *_ = next(batches(model))
    seen = []
    model.momentum_encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    torch.manual_seed(rank)  # the order must not depend on equal random states
    keys = model.encode_keys(views[1].chunk(PROCESSES)[rank])
    return dict(keys=keys, seen=seen[0])


def refusal(rank):
    try:
        gather_rows(torch.zeros(3 + rank, 2))
    except ValueError as error:
        return str(error)


def gradient_of_all(rank):
    """Gradient of a function of all rows, averaged over processes as distributed training does."""
    rows = torch.arange(8.).view(4, 2).chunk(PROCESSES)[rank].requires_grad_()
    gathered = gather_embeddings(rows)
    (gathered.prod(dim=0) * torch.tensor([1., 2.])).sum().backward()
    return dict(values=gathered.detach(), gradient=rows.grad / PROCESSES)


def groups_by_host(rank):
    """Ranks that shuffle together: one node; two nodes of one process, which would be alone."""
    same = shuffle_bn.node_group()
    shuffle_bn._node_group.cache_clear()
    socket.gethostname = lambda: f'node{rank}'
    alone = shuffle_bn.node_group()
    return same is None and alone is None


whole_batch = cache(train)


def run(rank):
    results = {method: train(method, rank, PROCESSES) for method in METHODS}
    return results | dict(shuffled=shuffled_keys(rank, 'InfoMin'), refusal=refusal(rank),
                          gradient=gradient_of_all(rank), groups=groups_by_host(rank))


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """What each of two processes ends with."""
    return results_of(__file__, tmp_path_factory.mktemp('gloo'))


@pytest.mark.parametrize('method', METHODS)
def test_twenty_steps_are_those_of_the_whole_batch(parts, method):
    whole, start = whole_batch(method), build(method).state_dict()
    states = [part[method]['state'] for part in parts]
    assert all(set(state) == set(start) for state in states)
    moved = set()
    for name, expected in whole['state'].items():
        if 'num_batches_tracked' in name:
            continue
        for state in states:
            torch.testing.assert_close(state[name], expected, rtol=1e-8, atol=1e-10)
        if not torch.equal(expected, start[name]):
            moved.add(name.split('.')[0])
    learning = {name.split('.')[0] for name, _ in build(method).named_parameters()
                if method == 'view learning' or not name.startswith('generator')}
    memories = {name.split('.')[0] for name in start if name.endswith('.keys')}
    assert moved == learning | memories


@pytest.mark.parametrize('method', METHODS)
def test_losses_are_means_over_the_processes(parts, method):
    for name, expected in whole_batch(method)['losses'].items():
        mean = sum(part[method]['losses'][name] for part in parts) / PROCESSES
        torch.testing.assert_close(mean, expected, rtol=1e-8, atol=1e-10, check_dtype=False)


def test_keys_come_back_to_the_images_they_are_of(parts):
    model = build('InfoMin')
    views, *_ = next(batches(model))
    keys = torch.cat([part['shuffled']['keys'] for part in parts])
    torch.testing.assert_close(keys, model.momentum_encoder(views[1]))


def test_keys_are_encoded_in_other_company_than_the_queries(parts):
    views, *_ = next(batches(build('InfoMin')))
    seen = [part['shuffled']['seen'] for part in parts]
    order = [int((images == image).flatten(1).all(dim=1).nonzero())
             for images in [views[1]] for image in torch.cat(seen)]
    assert sorted(order) == list(range(BATCH))  # each image once
    assert 0 < sum(place >= BATCH // 2 for place in order[:BATCH // 2]) < BATCH // 2


def test_batches_of_different_sizes_are_refused_on_both(parts):
    assert all('batches of different sizes, [3, 4]' in part['refusal'] for part in parts)


def test_gathered_embeddings_have_the_gradient_of_one_process(parts):
    rows = torch.arange(8.).view(4, 2).requires_grad_()
    (rows.prod(dim=0) * torch.tensor([1., 2.])).sum().backward()
    torch.testing.assert_close(torch.cat([part['gradient']['gradient'] for part in parts]),
                               rows.grad)
    assert all(torch.equal(part['gradient']['values'], rows) for part in parts)


def test_a_process_alone_on_its_node_shuffles_with_the_others(parts):
    assert all(part['groups'] for part in parts)


if __name__ == '__main__':
    work(run)

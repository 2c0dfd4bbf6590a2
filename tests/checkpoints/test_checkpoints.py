"""Reading of trunks, on small ResNets: every origin, what is refused, and the writer."""

import argparse
import os
import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from checkpoint_files import (
    LAYOUTS,
    WITH_MOMENTUM,
    WITHOUT_MOMENTUM,
    infomin,
    moco_official,
    pycontrast,
    random_trunk,
    torchvision_old,
    torchvision_plain,
)
from mmengine.logging import HistoryBuffer

from infomin_plugin.checkpoints import (
    CheckpointError,
    compare,
    find_architecture,
    read_file,
    read_trunk,
    write_backbone,
)


@pytest.fixture(scope='module')
def query():
    """Trunk of a ResNet-18."""
    return random_trunk('resnet18', seed=1)


@pytest.fixture(scope='module')
def momentum():
    """Another of the same shape."""
    return random_trunk('resnet18', seed=2)


def assert_same(state, expected, but=()):
    """Equal names and equal values."""
    assert set(state) == set(expected)
    for key in set(expected) - set(but):
        assert torch.equal(state[key], expected[key]), key


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'legacy'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_query_encoder_of_every_origin(layout, legacy, query, momentum, tmp_path):
    path = tmp_path / 'file.pth.tar'
    torch.save(layout(query, momentum), path, _use_new_zipfile_serialization=not legacy)
    trunk = read_trunk(path)
    assert str(trunk.architecture) == 'resnet18'
    counters = [key for key in query if key.endswith('num_batches_tracked')]
    if layout is torchvision_old:
        assert sorted(trunk.filled) == sorted(counters)
        assert not any(trunk.state_dict[key] for key in counters)
        assert_same(trunk.state_dict, query, but=counters)
    else:
        assert trunk.filled == ()
        assert_same(trunk.state_dict, query)


@pytest.mark.parametrize('layout', WITH_MOMENTUM)
def test_momentum_encoder_is_the_other_one(layout, query, momentum, tmp_path):
    torch.save(layout(query, momentum), tmp_path / 'file.pth')
    trunk = read_trunk(tmp_path / 'file.pth', source='momentum')
    assert_same(trunk.state_dict, momentum)
    assert not torch.equal(trunk.state_dict['conv1.weight'], query['conv1.weight'])
    assert 'momentum encoder' in trunk.description


@pytest.mark.parametrize('layout', WITHOUT_MOMENTUM)
def test_momentum_encoder_that_is_not_there(layout, query, tmp_path):
    torch.save(layout(query, query), tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match='file.pth .* holds no momentum encoder'):
        read_trunk(tmp_path / 'file.pth', source='momentum')


def test_query_only_files_of_the_authors(query, momentum, tmp_path):
    """MoCo publishes its query encoder alone; memory banks have no momentum encoder."""
    moco, authors = moco_official(query, momentum), pycontrast(query, momentum)
    moco['state_dict'] = {key: value for key, value in moco['state_dict'].items()
                          if 'encoder_k' not in key}
    del authors['model_ema']
    for content in (moco, authors):
        torch.save(content, tmp_path / 'file.pth')
        assert_same(read_trunk(tmp_path / 'file.pth').state_dict, query)
        with pytest.raises(CheckpointError, match='no momentum encoder'):
            read_trunk(tmp_path / 'file.pth', source='momentum')


def test_unknown_source(tmp_path):
    with pytest.raises(ValueError, match="'query' or 'momentum', got 'keys'"):
        read_trunk(tmp_path / 'file.pth', source='keys')


def test_two_encoders_of_colour_images_are_no_modalities(query, tmp_path):
    model = {f'module.encoder{n}.{key}': tensor.clone()
             for n in (1, 2) for key, tensor in query.items()}
    torch.save(dict(model=model), tmp_path / 'cmc.pth')
    with pytest.raises(CheckpointError, match=r'cmc.pth holds two trunks, of which trunk1 takes 3 '
                       'channels instead of 1'):
        read_trunk(tmp_path / 'cmc.pth')


@pytest.mark.parametrize('name', [
    'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'resnext50_32x4d',
    'resnext101_32x8d', 'wide_resnet50_2'])
def test_architecture(name):
    with torch.device('meta'):
        state = getattr(torchvision.models, name)(weights=None).state_dict()
    trunk = {key: tensor for key, tensor in state.items() if not key.startswith('fc.')}
    assert str(find_architecture(trunk)) == name


# --- what is not a trunk


@pytest.mark.parametrize('missing', [
    'conv1.weight', 'layer3.1.bn2.running_mean', 'layer2.0.downsample.0.weight',
    'layer1.0.conv2.weight'])
def test_missing_tensor_is_refused(missing, query, tmp_path):
    content = torchvision_plain(query, query)
    del content[missing]
    torch.save(content, tmp_path / 'hole.pth')
    with pytest.raises(CheckpointError, match=rf'hole.pth holds (.*{missing}|no ResNet trunk)'):
        read_trunk(tmp_path / 'hole.pth')


@pytest.mark.parametrize('stage', ['layer4.', 'layer2.1.'])
def test_missing_stage_or_block_is_refused(stage, query, tmp_path):
    content = {key: tensor for key, tensor in query.items() if not key.startswith(stage)}
    torch.save(content, tmp_path / 'hole.pth')
    with pytest.raises(CheckpointError, match='hole.pth holds no trunk of a ResNet'):
        read_trunk(tmp_path / 'hole.pth')


def test_tensors_of_another_network_are_refused(query, tmp_path):
    torch.save(query | {'layer1.0.se.fc1.weight': torch.ones(1)}, tmp_path / 'se.pth')
    with pytest.raises(CheckpointError, match='not a plain ResNet-18.*layer1.0.se.fc1.weight'):
        read_trunk(tmp_path / 'se.pth')


@pytest.mark.parametrize('content', [
    {}, [1, 2], torch.ones(3), dict(state_dict=dict(weight=torch.ones(1))),
    {1: {2: 3}, 'state_dict': 4}])
def test_file_without_a_trunk(content, tmp_path):
    torch.save(content, tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match='other.pth holds no ResNet trunk.*conv1.weight'):
        read_trunk(tmp_path / 'other.pth')


def test_values_that_are_not_finite(query, tmp_path):
    bad = query | {'layer1.0.conv1.weight': torch.full((64, 64, 3, 3), float('nan'))}
    torch.save(bad, tmp_path / 'nan.pth')
    with pytest.raises(CheckpointError, match='nan.pth.*not finite in layer1.0.conv1.weight'):
        read_trunk(tmp_path / 'nan.pth')


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        read_trunk(tmp_path / 'nowhere.pth')


# --- files that are damaged or hostile


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'legacy'])
@pytest.mark.parametrize('share', [0, 0.001, 0.5, 0.999])
def test_file_that_is_cut_short(share, legacy, query, tmp_path):
    path = tmp_path / 'short.pth'
    torch.save(query, path, _use_new_zipfile_serialization=not legacy)
    size = int(path.stat().st_size * share)
    os.truncate(path, size)
    with pytest.raises(CheckpointError, match=rf'short.pth \({size} bytes\) is not a complete'):
        read_trunk(path)


def test_file_of_something_else(tmp_path):
    (tmp_path / 'notes.txt').write_text('not a checkpoint')
    with pytest.raises(CheckpointError, match='notes.txt .*not a complete PyTorch checkpoint'):
        read_trunk(tmp_path / 'notes.txt')


def test_torchscript_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(1, 1)).save(tmp_path / 'program.pt')
    with pytest.raises(CheckpointError, match='program.pt is a TorchScript program'):
        read_file(tmp_path / 'program.pt')


class Hostile:
    """Pickles as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('legacy', [False, True], ids=['zip', 'legacy'])
@pytest.mark.parametrize(('function', 'arguments', 'name'), [
    (os.system, 'touch {}', 'posix.system'),
    (eval, '__import__("pathlib").Path("{}").touch()', 'eval'),
    (exec, 'open("{}", "w")', 'exec'),
    (np.fromfile, '{}', 'numpy.*fromfile'),
    (torch.hub.load, '{}', 'torch.hub.load'),
])
def test_code_in_a_pickle_is_refused_and_not_run(
        function, arguments, name, legacy, query, tmp_path):
    path, proof = tmp_path / 'hostile.pth', tmp_path / 'proof'
    hostile = Hostile(function, arguments.format(proof))
    torch.save(
        infomin(query, query) | dict(message_hub=hostile),
        path,
        _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=rf'hostile.pth is refused: .*would call .*{name}'):
        read_trunk(path)
    assert not proof.exists()


def test_harmless_looking_calls_are_not_run_either(query, tmp_path):
    """MMEngine's logs ask for getattr, so it is let through, but as a stand-in."""
    path, proof = tmp_path / 'hostile.pth', tmp_path / 'proof'
    torch.save(infomin(query, query) | dict(message_hub=Hostile(Path.touch, proof)), path)
    assert_same(read_trunk(path).state_dict, query)
    assert not proof.exists()
    torch.load(path, weights_only=False)  # unguarded on purpose: the file does run code
    assert proof.exists()


def test_code_in_a_bare_pickle_is_refused_and_not_run(tmp_path):
    path, proof = tmp_path / 'hostile.pkl', tmp_path / 'proof'
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(Hostile(os.system, f'touch {proof}'), protocol))
        with pytest.raises(CheckpointError, match=r'refused: .*would call (posix|nt|os)\.system'):
            read_file(path)
    assert not proof.exists()


def test_a_pickle_cannot_change_the_functions_it_may_call(tmp_path):
    """Opcodes by hand: torch._utils._rebuild_tensor_v2.changed = True."""
    attributes = b'}X\x07\x00\x00\x00changed\x88s'
    (tmp_path / 'hostile.pkl').write_bytes(
        b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN' + attributes + b'\x86b.')
    with pytest.raises(CheckpointError, match='not a complete PyTorch checkpoint'):
        read_file(tmp_path / 'hostile.pkl')
    assert not hasattr(torch._utils._rebuild_tensor_v2, 'changed')


def test_the_hostile_files_do_run_without_the_guard(tmp_path):
    """So the tests above prove something."""
    torch.save(Hostile(os.system, f'touch {tmp_path / "proof"}'), tmp_path / 'hostile.pth')
    torch.load(tmp_path / 'hostile.pth', weights_only=False)
    assert (tmp_path / 'proof').exists()


def test_what_training_leaves_beside_the_tensors_is_passed_over(query, momentum, tmp_path):
    content = infomin(query, momentum)
    content['message_hub'] = dict(
        log_scalars=OrderedDict(loss=HistoryBuffer([1.0, 2.0], [1, 1])),
        runtime_info=OrderedDict(best=np.float64(1), names=defaultdict(list, a=[1]), ids={1, 2},
                                 path=Path('a'), key=b'bytes', array=np.arange(3)))
    content['opt'] = argparse.Namespace(lr=0.03, aug='D')
    content['dtype'], content['device'] = torch.float16, torch.device('cpu')
    for protocol in (2, 4):
        torch.save(content, tmp_path / 'file.pth', pickle_protocol=protocol)
        assert_same(read_trunk(tmp_path / 'file.pth').state_dict, query)


# --- report


def as_trunk(state, path):
    torch.save(state, path)
    return read_trunk(path)


def test_report_of_a_whole_trunk(query, tmp_path):
    report = compare(as_trunk(query, tmp_path / 'a.pth'), query)
    report.require_whole()
    assert report.whole
    assert str(report) == (
        'pretrained trunk: 120 loaded / 0 missing / 0 unexpected / 0 shape-mismatched tensors '
        f'(from torchvision/timm state dict: {tmp_path / "a.pth"}, query encoder)')


def test_report_of_another_depth(query, tmp_path):
    model = random_trunk('resnet34')
    report = compare(as_trunk(query, tmp_path / 'a.pth'), model)
    assert set(report.missing) == set(model) - set(query)
    with pytest.raises(CheckpointError, match='checkpoint is of resnet18, the model is resnet34'):
        report.require_whole()


def test_report_of_each_kind_of_difference(query, tmp_path):
    model = dict(query)
    del model['bn1.weight']
    model['plugin.weight'] = torch.ones(1)
    model['conv1.weight'] = torch.ones(64, 1, 7, 7)
    report = compare(as_trunk(query, tmp_path / 'a.pth'), model)
    assert (report.missing, report.unexpected, report.mismatched) == (
        ('plugin.weight', ), ('bn1.weight', ), ('conv1.weight', ))
    assert len(report.loaded) == len(query) - 2
    with pytest.raises(CheckpointError, match='missing: plugin.weight; unexpected: bn1.weight; '
                       'shape-mismatched: conv1.weight'):
        report.require_whole()


# --- writer


@pytest.mark.parametrize('source', ['query', 'momentum'])
def test_backbone_round_trip(source, query, momentum, tmp_path):
    torch.save(infomin(query, momentum), tmp_path / 'train.pth')
    expected = dict(query=query, momentum=momentum)[source]
    trunk = read_trunk(tmp_path / 'train.pth', source)
    write_backbone(tmp_path / 'out.pth', trunk)

    written = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert_same(written['state_dict'], expected)
    assert written['meta']['arch'] == 'resnet18'
    assert written['meta']['source'] == source
    assert written['meta']['file'] == 'train.pth'

    again = read_trunk(tmp_path / 'out.pth')
    assert_same(again.state_dict, expected)
    assert (again.origin, again.source) == ('exported backbone', source)
    if source == 'momentum':
        assert_same(read_trunk(tmp_path / 'out.pth', 'momentum').state_dict, expected)
    else:
        with pytest.raises(CheckpointError, match='no momentum encoder'):
            read_trunk(tmp_path / 'out.pth', 'momentum')


def test_backbone_does_not_drag_the_checkpoint_along(query, momentum, tmp_path):
    """A view into a large storage is written as itself, not as the storage."""
    flat = torch.zeros(10_000_000)
    view = flat[:query['conv1.weight'].numel()].view_as(query['conv1.weight'])
    trunk = as_trunk(query | {'conv1.weight': view}, tmp_path / 'a.pth')
    write_backbone(tmp_path / 'out.pth', trunk)
    size = sum(tensor.numel() * tensor.element_size() for tensor in query.values())
    assert (tmp_path / 'out.pth').stat().st_size < size + 200_000


def test_failed_write_leaves_the_old_file_alone(query, tmp_path, monkeypatch):
    trunk = as_trunk(query, tmp_path / 'a.pth')
    (tmp_path / 'out.pth').write_text('old')

    def fail(content, file):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(OSError, match='disk full'):
        write_backbone(tmp_path / 'out.pth', trunk)
    assert (tmp_path / 'out.pth').read_text() == 'old'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.pth', 'out.pth']

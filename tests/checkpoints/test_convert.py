"""Weights from every origin to every layout and back, and into the models these are for."""

import pickle

import numpy as np
import pytest
import torch
import torchvision
from checkpoint_files import (
    LAYOUTS as ORIGINS,
)
from checkpoint_files import (
    detectron2,
    detectron2_names,
    infomin,
    moco_official,
    random_trunk,
    thin_trunk,
    torchvision_old,
    torchvision_plain,
)
from mmdet.models import ResNet
from two_view_models import contrast_config, shuffled

from infomin_plugin.checkpoints import CheckpointError, read_trunk
from infomin_plugin.checkpoints.convert import LAYOUTS, convert_checkpoint
from infomin_plugin.registry import MODELS

SINGLE = ('torchvision', 'timm', 'detectron2')
RESNET18, RESNET50 = ((2, 2, 2, 2), 2), ((3, 4, 6, 3), 3)


def assert_same_bits(state, expected):
    """Equal names, shapes, types and bytes, which tells zeros apart too."""
    assert set(state) == set(expected)
    for key, tensor in expected.items():
        assert (state[key].shape, state[key].dtype) == (tensor.shape, tensor.dtype), key
        assert state[key].reshape(-1).view(torch.uint8).equal(
            tensor.reshape(-1).view(torch.uint8)), key


def detectron2_file(state, path):
    """Write the tensors of a thin ResNet-18 or -50 as Detectron2's users have them."""
    shape = RESNET50 if 'layer1.0.conv3.weight' in state else RESNET18
    path.write_bytes(pickle.dumps(detectron2(state, *shape)))


@pytest.fixture(scope='module')
def thin():
    """Trunks of a thin ResNet-18: query, momentum."""
    return thin_trunk(18, seed=1), thin_trunk(18, seed=2)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('origin', [*ORIGINS, detectron2])
def test_every_origin_in_every_layout_and_back(origin, layout, thin, tmp_path):
    source, out = tmp_path / 'source.pth', tmp_path / 'new' / 'out.pkl'
    if origin is detectron2:
        detectron2_file(thin[0], source)
    else:
        torch.save(origin(*thin), source)
    convert_checkpoint(source, out, layout)
    expected = dict(thin[0])
    if origin is torchvision_old:  # it has no counters: they begin at 0
        expected.update({key: torch.tensor(0) for key in expected if key.endswith('tracked')})
    again = read_trunk(out)
    assert again.filled == () and again.ignored == ()
    assert_same_bits(again.state_dict, expected)


@pytest.mark.parametrize('first', LAYOUTS)
@pytest.mark.parametrize('second', LAYOUTS)
def test_layouts_into_each_other(first, second, tmp_path):
    thin = thin_trunk(50, seed=3)
    torch.save(torchvision_plain(thin, thin), tmp_path / 'source.pth')
    convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'first.pkl', first)
    convert_checkpoint(tmp_path / 'first.pkl', tmp_path / 'second.pkl', second)
    assert_same_bits(read_trunk(tmp_path / 'second.pkl').state_dict, thin)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('dtype', [torch.float16, torch.float64, torch.bfloat16])
def test_types_are_kept(dtype, layout, thin, tmp_path):
    state = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor
             for key, tensor in thin[0].items()}
    torch.save(state, tmp_path / 'source.pth')
    if dtype is torch.bfloat16 and layout == 'detectron2':
        with pytest.raises(CheckpointError, match='source.pth: conv1.weight is of type bfloat16'):
            convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pkl', layout)
        assert not (tmp_path / 'out.pkl').exists()
    else:
        convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pkl', layout)
        assert_same_bits(read_trunk(tmp_path / 'out.pkl').state_dict, state)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_memory_formats_do_not_matter(layout, thin, tmp_path):
    state = {key: tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
             for key, tensor in thin[0].items()}
    torch.save(state, tmp_path / 'source.pth')
    convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pkl', layout)
    assert_same_bits(read_trunk(tmp_path / 'out.pkl').state_dict, thin[0])


@pytest.mark.parametrize('layout', ['mmdet', 'detectron2', 'pycontrast'])
def test_momentum_encoder_and_what_the_file_says_of_it(layout, thin, tmp_path):
    content = infomin(*thin)
    content['meta']['pretraining'] = pretraining = dict(method='InfoMin', epochs=200, seed=0)
    torch.save(content, tmp_path / 'source.pth')
    convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pkl', layout, 'momentum')
    again = read_trunk(tmp_path / 'out.pkl')
    assert_same_bits(again.state_dict, thin[1])
    assert (again.source, again.pretraining) == ('momentum', pretraining)


# --- into the models of the libraries, at full size


@pytest.fixture(scope='module', params=['resnet18', 'resnet50', 'resnext50_32x4d'])
def full(request, tmp_path_factory):
    """torchvision's network, trunk of random values, and MoCo's file of it."""
    path = tmp_path_factory.mktemp('full') / 'moco.pth.tar'
    trunk = random_trunk(request.param, seed=4)
    torch.save(moco_official(trunk, {}), path)
    return getattr(torchvision.models, request.param), trunk, path


@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
def test_torchvision_takes_it(layout, full, tmp_path):
    build, trunk, path = full
    convert_checkpoint(path, tmp_path / 'out.pth', layout)
    state = torch.load(tmp_path / 'out.pth', weights_only=True)
    model = build(weights=None)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (['fc.weight', 'fc.bias'], [])
    model.fc = torch.nn.Identity()  # timm's num_classes=0
    assert_same_bits(model.state_dict(), trunk)
    model.load_state_dict(state, strict=True)


def test_pycontrast_takes_it(full, tmp_path):
    """Its read-out loads ``model`` less ``module.encoder.`` strictly into a ResNet without fc."""
    build, trunk, path = full
    convert_checkpoint(path, tmp_path / 'out.pth', 'pycontrast')
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['model']
    assert all(key.startswith('module.encoder.') for key in state)
    model = build(weights=None)
    model.fc = torch.nn.Identity()
    model.load_state_dict({key[len('module.encoder.'):]: tensor for key, tensor in state.items()})
    assert_same_bits(model.state_dict(), trunk)


def test_mmdet_takes_it(full, tmp_path):
    build, trunk, path = full
    if build is torchvision.models.resnext50_32x4d:
        model = MODELS.build(dict(type='mmdet.ResNeXt', depth=50, groups=32, base_width=4))
    else:
        model = ResNet(depth=18 if build is torchvision.models.resnet18 else 50)
    convert_checkpoint(path, tmp_path / 'out.pth', 'mmdet')
    model.init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'out.pth'))
    model.init_weights()
    assert_same_bits(model.state_dict(), trunk)


def test_detectron2_takes_it(full, tmp_path):
    build, trunk, path = full
    convert_checkpoint(path, tmp_path / 'out.pkl', 'detectron2')
    with (tmp_path / 'out.pkl').open('rb') as file:
        content = pickle.load(file, encoding='latin1')  # as Detectron2's checkpointer does
    assert content['matching_heuristics'] is True and isinstance(content['__author__'], str)
    shape = RESNET18 if build is torchvision.models.resnet18 else RESNET50
    names = {new: old for new, old in detectron2_names(*shape).items() if f'{old}.weight' in trunk}
    model = content['model']
    assert {key.rpartition('.')[0] for key in model} == set(names)
    for key, array in model.items():
        layer, _, kind = key.rpartition('.')
        assert type(array) is np.ndarray
        assert torch.equal(torch.from_numpy(array), trunk[f'{names[layer]}.{kind}']), key


# --- what is not written


@pytest.mark.parametrize('layout', SINGLE)
def test_two_views_have_no_place_in_a_single_trunk(layout, tmp_path):
    contrast = shuffled(MODELS.build(contrast_config()))
    torch.save(dict(meta={}, state_dict=contrast.state_dict()), tmp_path / 'contrast.pth')
    with pytest.raises(CheckpointError, match=f'contrast.pth is a two-view .*layout {layout} has '
                       'no place for a second trunk .*; mmdet has'):
        convert_checkpoint(tmp_path / 'contrast.pth', tmp_path / 'out.pkl', layout)
    assert not (tmp_path / 'out.pkl').exists()


def test_unknown_layout(tmp_path):
    with pytest.raises(ValueError, match="layout is one of mmdet, torchvision, .*, got 'caffe'"):
        convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pth', 'caffe')


@pytest.mark.parametrize('layout', LAYOUTS)
def test_failed_write_leaves_the_old_file_alone(layout, thin, tmp_path, monkeypatch):
    torch.save(thin[0], tmp_path / 'source.pth')
    (tmp_path / 'out.pkl').write_text('old')

    def fail(content, file, **kwargs):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(torch, 'save', fail)
    monkeypatch.setattr(pickle, 'dump', fail)
    with pytest.raises(OSError, match='disk full'):
        convert_checkpoint(tmp_path / 'source.pth', tmp_path / 'out.pkl', layout, overwrite=True)
    assert (tmp_path / 'out.pkl').read_text() == 'old'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out.pkl', 'source.pth']

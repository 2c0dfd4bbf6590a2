"""Pickles of numpy arrays: the names in them, what is read exactly, what is refused unread."""

import os
import pickle

import numpy as np
import pytest
import torch
from checkpoint_files import detectron2, detectron2_names, thin_trunk

from infomin_plugin.checkpoints import CheckpointError, read_file, read_trunk
from infomin_plugin.checkpoints.arrays import PickledArray
from infomin_plugin.checkpoints.detectron2 import from_detectron2, to_detectron2

RESNET18 = ((2, 2, 2, 2), 2)
COUNTER = 'num_batches_tracked'


@pytest.fixture(scope='module')
def thin():
    """Trunk of a thin ResNet-18."""
    return thin_trunk(18, seed=1)


@pytest.fixture
def content(thin):
    """Its file for Detectron2, to be spoilt by the test."""
    return detectron2(thin, *RESNET18)


def write(content, path, protocol=4):
    """Pickle to a file, whose path is returned."""
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def assert_equal(state, expected):
    assert set(state) == set(expected)
    for key, tensor in expected.items():
        assert state[key].dtype == tensor.dtype and torch.equal(state[key], tensor), key


# --- names


@pytest.mark.parametrize(('new', 'old'), [
    ('stem.conv1.weight', 'conv1.weight'),
    ('stem.conv1.norm.running_var', 'bn1.running_var'),
    ('res2.0.conv1.weight', 'layer1.0.conv1.weight'),
    ('res2.0.conv3.norm.weight', 'layer1.0.bn3.weight'),
    ('res2.0.shortcut.weight', 'layer1.0.downsample.0.weight'),
    ('res3.0.shortcut.norm.bias', 'layer2.0.downsample.1.bias'),
    ('res4.22.conv2.norm.running_mean', 'layer3.22.bn2.running_mean'),
    ('res5.2.conv3.weight', 'layer4.2.conv3.weight'),
])
def test_names_of_single_tensors(new, old):
    assert (to_detectron2(old), from_detectron2(new)) == (new, old)


@pytest.mark.parametrize(('blocks', 'convolutions'), [
    ((2, 2, 2, 2), 2), ((3, 4, 6, 3), 2), ((3, 4, 6, 3), 3), ((3, 4, 23, 3), 3),
    ((3, 8, 36, 3), 3)])
def test_names_of_whole_networks(blocks, convolutions):
    names = detectron2_names(blocks, convolutions)
    assert {new: from_detectron2(f'{new}.weight') for new in names} == {
        new: f'{old}.weight' for new, old in names.items()}
    assert [to_detectron2(f'{old}.bias') for old in names.values()] == [
        f'{new}.bias' for new in names]


@pytest.mark.parametrize('outside', [
    'fpn_lateral2.weight', 'roi_heads.box_head.fc1.weight', 'pixel_mean', 'conv1.weight'])
def test_names_outside_the_backbone(outside):
    assert from_detectron2(outside) is None


def test_classifier_and_heads_are_left_out(content, thin, tmp_path):
    content['model']['proposal_generator.rpn_head.conv.weight'] = np.ones(2)
    trunk = read_trunk(write(content, tmp_path / 'r18.pkl'))
    assert trunk.origin == 'Detectron2'
    assert trunk.ignored == ('stem.fc.0.weight', 'proposal_generator.rpn_head.conv.weight')
    assert_equal(trunk.state_dict, thin)


@pytest.mark.parametrize('unknown', ['res2.0.se.fc1.weight', 'stem.conv1_2.weight'])
def test_layers_of_another_network_are_refused(unknown, content, tmp_path):
    content['model'][unknown] = np.ones(2)
    with pytest.raises(CheckpointError, match=f'not a plain ResNet-18.*{unknown}'):
        read_trunk(write(content, tmp_path / 'other.pkl'))


def test_missing_layer_is_refused(content, tmp_path):
    del content['model']['res4.1.conv2.norm.running_var']
    with pytest.raises(CheckpointError, match='incomplete.*layer3.1.bn2.running_var'):
        read_trunk(write(content, tmp_path / 'hole.pkl'))


# --- arrays


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle(protocol, content, thin, tmp_path):
    assert_equal(read_trunk(write(content, tmp_path / 'a.pkl', protocol)).state_dict, thin)


def test_names_of_numpy_2(content, thin, tmp_path):
    path = write(content, tmp_path / 'a.pkl', protocol=2)
    old = path.read_bytes()
    assert b'cnumpy.core.multiarray\n' in old
    path.write_bytes(old.replace(b'cnumpy.core.', b'cnumpy._core.'))
    assert_equal(read_trunk(path).state_dict, thin)


def test_files_of_frozen_norms_have_no_counters(content, thin, tmp_path):
    """Detectron2's FrozenBatchNorm2d keeps none."""
    model = content['model']
    content['model'] = {key: model[key] for key in model if not key.endswith(COUNTER)}
    trunk = read_trunk(write(content, tmp_path / 'a.pkl'))
    assert set(trunk.filled) == {key for key in thin if key.endswith(COUNTER)}
    assert not any(trunk.state_dict[key] for key in trunk.filled)


@pytest.mark.parametrize('array', [
    np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4)).astype('f4')),
    np.arange(12, dtype='>f4').reshape(3, 4), np.arange(24, dtype='>i8')[::2],
    np.float16([[0.1, -0.0]]), np.array(7), np.array([True, False]),
    np.arange(6, dtype='u1').reshape(1, 2, 3, 1)], ids=lambda array: f'{array.dtype}{array.shape}')
@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_arrays_are_read_exactly(array, protocol, tmp_path):
    read = read_file(write({'a': array}, tmp_path / 'a.pkl', protocol))['a']
    tensor = read.to_tensor()
    assert tensor.shape == array.shape and tensor.numpy().dtype == array.dtype.newbyteorder('=')
    assert np.array_equal(tensor.numpy(), array)


# --- hostile and damaged files


class Reduced:
    """Pickles as what it is given."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def array_of(shape, data, dtype='f4', in_fortran_order=False):
    """An array whose pickle lies."""
    state = 1, shape, np.dtype(dtype), in_fortran_order, data
    return Reduced(np.core.multiarray._reconstruct, (np.ndarray, (0, ), b'b'), state)


def test_the_lying_array_is_one_that_numpy_reads_when_it_does_not_lie():
    honest = pickle.loads(pickle.dumps(array_of((2, ), bytes(8))))
    assert np.array_equal(honest, np.zeros(2, 'f4'))


@pytest.mark.parametrize(('shape', 'data', 'dtype', 'message'), [
    ((2**31, 2**31, 2**10), bytes(8), 'f4', 'for which its 8 bytes are the wrong number'),
    ((3, ), bytes(8), 'f4', r'shape \(3,\) .*8 bytes are the wrong number'),
    ((1, ), bytes(8), 'f4', 'wrong number'),
    ((-1, -2), bytes(8), 'f4', 'impossible shape'),
    ((True, 2), bytes(8), 'f4', 'impossible shape'),
    ((1.0, 2), bytes(8), 'f4', 'impossible shape'),
    ((1, ) * 1000, bytes(4), 'f4', 'impossible shape'),
    (2, bytes(8), 'f4', 'impossible shape'),
    ((2, ), [1, 2], 'O', "type 'O8'"),
    ((2, ), bytes(16), 'c8', "type 'c8'"),
    ((1, ), bytes(8), 'M8[s]', "type 'M8'"),
    ((1, ), bytes(8), [('a', 'f4'), ('b', 'f4')], "type 'V8'"),
    ((2, ), 7, 'f4', 'over a int instead of bytes'),
])
def test_arrays_that_are_none(shape, data, dtype, message, content, tmp_path):
    content['model']['stem.conv1.weight'] = array_of(shape, data, dtype)
    with pytest.raises(CheckpointError, match=f'a.pkl: stem.conv1.weight is an array.*{message}'):
        read_trunk(write(content, tmp_path / 'a.pkl'))


@pytest.mark.parametrize('state', [(), (1, (2, ), 'f4', False, b''), 'x', {'a': 1}])
def test_states_that_are_of_no_array(state, content, tmp_path):
    content['model']['stem.conv1.weight'] = Reduced(
        np.core.multiarray._reconstruct, (np.ndarray, (0, ), b'b'), state)
    with pytest.raises(CheckpointError, match='a.pkl: stem.conv1.weight is '):
        read_trunk(write(content, tmp_path / 'a.pkl'))


@pytest.mark.parametrize('value', [[1, 2], 'text', None, np.float32(1)])
def test_values_that_are_no_arrays(value, content, tmp_path):
    content['model']['res2.0.conv1.weight'] = value
    with pytest.raises(CheckpointError, match='a.pkl: res2.0.conv1.weight is a .*not a tensor'):
        read_trunk(write(content, tmp_path / 'a.pkl'))


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_refused_and_not_run(protocol, content, tmp_path):
    proof = tmp_path / 'proof'
    content['model']['res2.0.conv1.weight'] = Reduced(os.system, (f'touch {proof}', ))
    path = write(content, tmp_path / 'hostile.pkl', protocol)
    with pytest.raises(CheckpointError, match=r'hostile.pkl is refused: .*would call \w+\.system'):
        read_trunk(path)
    assert not proof.exists()
    pickle.loads(path.read_bytes())  # unguarded on purpose: the file does run code
    assert proof.exists()


@pytest.mark.parametrize('name', [
    'numpy.core.multiarray\n_reconstruct', 'numpy.core.numeric\n_frombuffer', 'numpy\ndtype',
    '_codecs\nencode'])
def test_a_pickle_cannot_change_what_stands_in_for_numpy(name, tmp_path):
    """Opcodes by hand: NAME.changed = True; what NAME is called for afterwards is unchanged."""
    changed = b'}X\x07\x00\x00\x00changed\x88s'
    (tmp_path / 'hostile.pkl').write_bytes(
        b'\x80\x02c' + name.encode() + b'\nN' + changed + b'\x86b.')
    with pytest.raises(CheckpointError, match='not a complete PyTorch checkpoint'):
        read_file(tmp_path / 'hostile.pkl')
    assert not hasattr(PickledArray, 'changed')
    assert not hasattr(PickledArray.from_buffer, 'changed')


@pytest.mark.parametrize('share', [0, 0.001, 0.5, 0.999])
def test_file_that_is_cut_short(share, content, tmp_path):
    path = write(content, tmp_path / 'short.pkl')
    size = int(path.stat().st_size * share)
    os.truncate(path, size)
    with pytest.raises(CheckpointError, match=rf'short.pkl \({size} bytes\) is not a complete'):
        read_trunk(path)


def test_caffe2_files_are_none_of_ours(tmp_path):
    """Detectron2's own ImageNet weights (MSRA): BGR, stride in the 1×1, other names."""
    path = write({'conv1_w': np.ones(2), 'res2_0_branch2a_w': np.ones(2)}, tmp_path / 'R-50.pkl')
    with pytest.raises(CheckpointError, match='R-50.pkl holds no ResNet trunk: it has conv1_w'):
        read_trunk(path)

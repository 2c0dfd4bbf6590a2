"""Files that ask for more than they are: refused by name, in little memory and time."""

import io
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict

import pytest
import torch
from bounded import run_bounded
from checkpoint_files import thin_trunk

from infomin_plugin.checkpoints import CheckpointError, read_file, read_training, read_trunk
from infomin_plugin.checkpoints.unpickling import MAX_OPERATIONS

MEGABYTES = 256  # beyond what the process has
START, END = b'\x80\x02', b'.'


@pytest.fixture
def refused(tmp_path):
    """Check that a file is refused for what it asks, not because memory or time ran out."""
    path = tmp_path / 'hostile.pth'

    def check(data, message, read=read_file, megabytes=MEGABYTES):
        path.write_bytes(data)
        name, said = run_bounded(lambda: read(path), megabytes)
        assert name == 'CheckpointError', (name, said)
        assert 'hostile.pth' in said and message in said, said
        assert 'emory' not in said, said
        assert len(said) < 1000 and said.isprintable()
    return check


# --- pickles, operation by operation


def text(string):
    data = string.encode()
    return b'X' + struct.pack('<I', len(data)) + data


def integer(number):
    return b'\x8a\x08' + struct.pack('<q', number)


def name(path):
    return b'c' + '\n'.join(path.rsplit('.', 1)).encode() + b'\n'


def bare(program):
    """A pickle of ``{'a': PROGRAM}``."""
    return START + b'}' + text('a') + program + b's' + END


def tensor(size, stride, offset=0, elements=4, key='0'):
    """The program that torch.save writes for a tensor over a storage."""
    storage = (b'(' + text('storage') + name('torch.FloatStorage') + text(key) + text('cpu')
               + integer(elements) + b'tQ')
    numbers = b''.join(b'(' + b''.join(map(integer, one)) + b't' for one in (size, stride))
    return (name('torch._utils._rebuild_tensor_v2') + b'(' + storage + integer(offset) + numbers
            + b'\x89' + name('collections.OrderedDict') + b')RtR')


def zipped(pickled, storages=None, compression=zipfile.ZIP_STORED, more=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as archive:
        archive.writestr('archive/data.pkl', pickled)
        for key, data in ({'0': bytes(16)} if storages is None else storages).items():
            archive.writestr(f'archive/data/{key}', data, compression)
        archive.writestr('archive/version', b'3\n')
        for entry, data in more:
            archive.writestr(entry, data)
    return out.getvalue()


def legacy(pickled, storages=((4, bytes(16)), )):
    start = b''.join(pickle.dumps(one, 2) for one in (0x1950a86a20f9469cfc6c, 1001, {}))
    keys = pickle.dumps([str(index) for index in range(len(storages))], 2)
    pickled = pickled.replace(b'tQ', b'NtQ')  # that it is no part of another storage
    return start + pickled + keys + b''.join(struct.pack('<q', n) + data for n, data in storages)


def test_the_files_here_are_what_torch_reads(tmp_path):
    """Else they would prove nothing."""
    for data in (zipped(bare(tensor((2, 2), (2, 1)))), legacy(bare(tensor((2, 2), (2, 1))))):
        (tmp_path / 'a.pth').write_bytes(data)
        assert torch.equal(torch.load(tmp_path / 'a.pth')['a'], torch.zeros(2, 2))
        assert torch.equal(read_file(tmp_path / 'a.pth')['a'], torch.zeros(2, 2))


# --- tensors


@pytest.mark.parametrize('write', [zipped, legacy])
def test_tensors_beyond_their_storage(write, refused):
    for size, stride, offset in (
            ((5, ), (1, ), 0), ((2, ), (4, ), 0), ((4, ), (1, ), 1), ((2**40, ), (1, ), 0),
            ((2**31, 2**31), (2**31, 1), 0), ((2**40, ), (0, ), 0), ((1, ), (1, ), 2**61),
            ((2**61, 8), (1, 0), 0), ((1, ), (1, ), 4)):
        refused(write(bare(tensor(size, stride, offset))), 'reaches beyond the 4 elements')


def test_tensors_of_impossible_shape(refused):
    for size, stride, offset in (((-1, ), (1, ), 0), ((1, ), (-1, ), 3), ((1, ), (1, ), -1),
                                 ((1, 1), (1, ), 0), ((1, ) * 100, (1, ) * 100, 0)):
        refused(zipped(bare(tensor(size, stride, offset))), 'impossible shape')


@pytest.mark.parametrize('layout', [
    lambda base: base, lambda base: base.t(), lambda base: base[1:, ::2], lambda base: base[:0],
    lambda base: base[0, 0], lambda base: base[:1].expand(7, 5), lambda base: base[2:, 4:]])
@pytest.mark.parametrize('dtype', [
    torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.bool,
    torch.complex64])
def test_honest_views_are_read_as_torch_reads_them(layout, dtype, tmp_path):
    view = layout((torch.arange(20).view(4, 5) % 2).to(dtype))
    for zip_form in (False, True):
        torch.save({'a': view}, tmp_path / 'a.pth', _use_new_zipfile_serialization=zip_form)
        expected, found = torch.load(tmp_path / 'a.pth')['a'], read_file(tmp_path / 'a.pth')['a']
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert torch.equal(found, expected) and torch.equal(found, view)


@pytest.mark.parametrize('key', ['../../data.pkl', '/etc/passwd', '0/../0', ''])
def test_storages_are_looked_for_in_the_file_only(key, refused):
    refused(zipped(bare(tensor((1, ), (1, ), key=key))), 'KeyError')


@pytest.mark.parametrize('elements', [3, 5, 2**40, 2**61])
def test_storages_of_another_size(elements, refused):
    program = bare(tensor((1, ), (1, ), elements=elements))
    refused(zipped(program), 'storage 0 has 16 bytes instead of')
    refused(legacy(program), 'storage 0 ')


def test_aliased_tensors_do_not_multiply(refused):
    """All tensors of a ResNet-18 over one storage, the whole of it each; the names are right."""
    flat = torch.zeros(1 << 20)
    state = {key: flat.view(64, 64, 16, 16) if value.ndim == 4 else flat
             for key, value in thin_trunk(18).items()}
    out = io.BytesIO()
    torch.save(state, out)
    refused(out.getvalue(), 'more elements than the file', read_trunk)


# --- zip


def test_compressed_records(refused):
    refused(zipped(bare(tensor((1, ), (1, ))), {'0': bytes(1 << 26)}, zipfile.ZIP_DEFLATED),
            'is compressed', megabytes=48)


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_records_of_one_name(refused):
    refused(zipped(bare(b'N'), more=[('archive/data/0', b'x')]), 'several records of one name')


def test_records_over_one_another(refused):
    """The directory has the same bytes twice, under two names."""
    data = bytearray(zipped(bare(b'N'), {'0': bytes(16), '1': bytes(16)}))
    entries, place = [], -1
    while (place := data.find(b'PK\x01\x02', place + 1)) >= 0:
        entries.append(place)
    first, second = entries[1:3]
    data[second + 42:second + 46] = data[first + 42:first + 46]  # offset of the record
    refused(bytes(data), 'lies over another')


def test_flipped_bit_in_a_storage(refused):
    data = bytearray(zipped(bare(tensor((4, ), (1, ))), {'0': b'0123456789abcdef'}))
    data[data.index(b'0123456789abcdef')] ^= 1
    refused(bytes(data), 'CRC-32')


def test_two_pickles(refused):
    refused(zipped(bare(b'N'), more=[('other/data.pkl', bare(b'N'))]), 'not a complete')


# --- operations


LIES = {
    'BINBYTES8': (b'\x8e' + struct.pack('<Q', 1 << 40) + b'x', 'expected 1099511627776 bytes'),
    'BYTEARRAY8': (b'\x96' + struct.pack('<Q', 1 << 40) + b'x', 'expected 1099511627776 bytes'),
    'BINUNICODE8': (b'\x8d' + struct.pack('<Q', 1 << 62) + b'x', 'not a complete'),
    'BINBYTES': (b'B' + struct.pack('<I', (1 << 31) - 1) + b'x', 'expected 2147483647 bytes'),
    'LONG4': (b'\x8b' + struct.pack('<I', (1 << 31) - 1) + b'x', 'not a complete'),
    'LONG4 below 0': (b'\x8b' + struct.pack('<i', -5) + b'x', 'not a complete'),
    'INT': (b'I' + b'9' * 5000 + b'\n', 'Exceeds the limit'),
    'LONG': (b'L' + b'9' * 5000 + b'L\n', 'Exceeds the limit'),
    'PERSID': (b'P../../etc/passwd\n', 'PERSID is in no checkpoint'),
    'BINPERSID': (text('../../etc/passwd') + b'Q', 'asks for something outside of it'),
    'INST': (b'(ios\nsystem\n', 'INST is in no checkpoint'),
    'OBJ': (b'(cos\nsystem\no', 'would call os.system'),
    'EXT1': (b'\x82\x01', 'EXT1 is in no checkpoint'),
    'NEXT_BUFFER': (b'\x97', 'NEXT_BUFFER is in no checkpoint'),
    'GET': (b'j\xff\xff\xff\x7f', 'KeyError'),
    'POP': (b'000000', 'not a complete'),
}


@pytest.mark.parametrize('operation', LIES)
def test_operations_that_lie(operation, refused):
    refused(bare(LIES[operation][0]), LIES[operation][1])


def test_memo_of_absurd_place_takes_no_memory(tmp_path):
    """The standard library allocates 32 GB for it."""
    path = tmp_path / 'a.pkl'
    path.write_bytes(bare(b'Nr\xff\xff\xff\x7f'))
    assert run_bounded(lambda: read_file(path), 64) == ('returned', '')


def test_too_many_operations(refused, monkeypatch):
    assert MAX_OPERATIONS == 5_000_000  # a few seconds
    monkeypatch.setattr('infomin_plugin.checkpoints.unpickling.MAX_OPERATIONS', 50_000)
    refused(bare(b'N0' * 25_000), 'more than 50,000 operations', megabytes=64)


def doubled(times):
    """A tuple of a thing twice, of that twice, …: 2^times things, but for what is shared."""
    return text('ha') + b'q\x00h\x00\x86' * times


@pytest.mark.parametrize('program', [
    doubled(60),
    b'}' + doubled(60) + b'Ns',  # as a key
    b'\x8f(' + doubled(60) + b'\x90',  # in a set
    b'(' + doubled(60) + b'\x91',
    b'N' + b'\x85' * 100_000,  # deep
    b'}' + b'N' + b'\x85' * 100_000 + b'Ns',
    name('numpy.dtype') + b'(' + doubled(60) + b'tR',
    name('numpy.core.multiarray._reconstruct') + b')R' + doubled(60) + b'b',
    name('argparse.Namespace') + b')\x81' + doubled(60) + b'b',
], ids=range(9))
def test_shared_and_deep_values_cost_no_more_than_they_say(program, tmp_path):
    """To hash one, or to write it out, would take for ever, or all of the stack."""
    path = tmp_path / 'a.pkl'
    path.write_bytes(bare(program))
    raised, said = run_bounded(lambda: read_trunk(path), MEGABYTES)
    assert raised == 'CheckpointError' and 'holds no ResNet trunk' in said


def test_shared_values_in_a_trunks_place(refused):
    dtype = name('numpy.dtype') + doubled(60) + b'\x85R'
    state = b'(K\x01K\x00\x85' + dtype + b'\x89' + text('') + b't'
    array = name('numpy.core.multiarray._reconstruct') + b')R' + state + b'b'
    refused(START + b'}' + text('conv1.weight') + array + b's' + END,
            'conv1.weight is an array of type a tuple', read_trunk)


def test_keys_of_one_hash(tmp_path):
    """A dict of n numbers that differ by multiples of 2^61 - 1 takes n^2 steps."""
    path = tmp_path / 'a.pkl'
    keys = (index * ((1 << 61) - 1) for index in range(1, 100_000))
    path.write_bytes(bare(
        b'}(' + b''.join(b'\x8a\x0c' + key.to_bytes(12, 'little') + b'N' for key in keys) + b'u'))
    assert run_bounded(lambda: read_file(path), MEGABYTES, 5) == ('returned', '')


@pytest.mark.parametrize('call', [
    name('_codecs.encode') + b'h\x00' + text('latin1') + b'\x86R',
    name('collections.OrderedDict') + b'h\x01\x85R',
    name('argparse.Namespace') + b'h\x02R'], ids=['encode', 'OrderedDict', 'arguments'])
def test_calls_that_copy_the_same_again_and_again(call, refused):
    long = (text('x' * 100_000) + b'q\x000' + b'(' + b'(NNl' * 30_000 + b'lq\x010'
            + b'(' + b'N' * 100_000 + b'tq\x020')
    refused(bare(long + b'(' + call * 200 + b'l'), 'copy more than the file holds')


@pytest.mark.parametrize(('module', 'attribute'), [
    ('torch._utils', '_rebuild_tensor_v2.__globals__'), ('builtins', 'getattr.__self__.eval'),
    ('torch', 'os.system'), ('torch\nos', 'system'), ('posix', 'system')])
def test_names_with_the_reach_of_attributes(module, attribute, refused):
    """Protocol 4 takes dotted names, and the standard library follows them."""
    refused(bare(text(module) + text(attribute) + b'\x93'), 'is refused: loading it would call')


def test_messages_have_no_orders_for_a_terminal(refused, tmp_path):
    refused(bare(text('a') + text('\x1b[2J' + 'x' * 10_000) + b'\x93'), r'would call a.\x1b[2Jxxx')
    for hostile in ('\x1b]0;owned\x07conv', 'a\nb'):
        torch.save({hostile: torch.ones(1)}, tmp_path / 'a.pth')
        with pytest.raises(CheckpointError) as error:
            read_trunk(tmp_path / 'a.pth')
        assert str(error.value).isprintable()


# --- training checkpoints


@pytest.mark.parametrize('content', [
    {}, [], {'state_dict': [1]}, {'state_dict': {'a': 1}}, {'state_dict': {1: torch.ones(1)}}],
    ids=str)
def test_training_checkpoints_of_another_form(content, refused, tmp_path):
    torch.save(content, tmp_path / 'a.pth')
    refused((tmp_path / 'a.pth').read_bytes(), 'is no training checkpoint', read_training)


def test_training_checkpoints_whose_meta_is_none(tmp_path):
    torch.save({'state_dict': {'a': torch.ones(2)}, 'meta': [1]}, tmp_path / 'a.pth')
    found = read_training(tmp_path / 'a.pth')
    assert found['meta'] == {} and torch.equal(found['state_dict']['a'], torch.ones(2))


# --- other files


def test_tar_archives_are_not_opened(refused, tmp_path):
    with tarfile.open(tmp_path / 'a.tar', 'w') as archive:
        archive.addfile(tarfile.TarInfo('x'))
    refused((tmp_path / 'a.tar').read_bytes(), 'is a tar archive')


@pytest.mark.parametrize('items', [[['a', 1], ['b', 2]], []])
def test_ordered_dicts_of_python_2(items, tmp_path):
    pairs = b''.join(b'(' + text(key) + b'K' + bytes([value]) + b'l' for key, value in items)
    path = tmp_path / 'a.pkl'
    path.write_bytes(bare(name('collections.OrderedDict') + b'(' + pairs + b'l\x85R'))
    assert read_file(path)['a'] == OrderedDict(items) == pickle.loads(path.read_bytes())['a']

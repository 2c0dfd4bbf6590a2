"""The two forms of ``torch.save``: where in a file the pickle lies, and where the storages."""

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from .storages import Storage, StorageId
from .unpickling import load

ZIP_START = b'PK\x03\x04'
LOCAL_HEADER = 30  # bytes before a record in a zip, and its name
# The first two pickles of the older form
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950a86a20f9469cfc6c, 1001
BLOCK = 1 << 20


class OtherFileError(ValueError):
    """The file is a whole one, but of another kind."""


def read_zip(path: Path) -> Any:
    """Read what ``torch.save`` writes since 1.6: a zip of a pickle and a record a storage.

    Its records are stored as they are, once each. One that is compressed, or lies over another,
    could be far larger than the file, and is refused before it is read. Checksums are compared.

    Raises:
        OtherFileError: If it is a TorchScript program.
        Exception: Any other, if it is damaged or of another form.
    """
    with zipfile.ZipFile(path) as archive:
        records = _checked(archive, path.stat().st_size)
        [pickled] = [name for name in records if name.endswith('/data.pkl')]
        folder = pickled.removesuffix('data.pkl')
        order = records.get(f'{folder}byteorder')
        if order is not None and archive.read(order) != b'little':
            raise OtherFileError('is of a machine of another byte order')
        contents: dict[str, Tensor] = {}

        def find(identifier: Any) -> Storage:
            wanted = StorageId.parse(identifier)
            record = records[f'{folder}data/{wanted.key}']
            if record.file_size != wanted.bytes:
                raise ValueError(f'storage {wanted.key} has {record.file_size} bytes instead of '
                                 f'{wanted.bytes}')
            if wanted.key not in contents:
                contents[wanted.key] = torch.empty(wanted.bytes, dtype=torch.uint8)
                with archive.open(record) as file:
                    _fill(contents[wanted.key], file)
            return Storage(wanted.dtype, contents[wanted.key])

        return load(BytesIO(archive.read(records[pickled])), find)


def read_legacy(path: Path) -> Any:
    """Read a bare pickle, or what ``torch.save`` wrote until 1.5: pickles, then storages.

    Raises:
        Exception: Any, if it is damaged or of another form.
    """
    size = path.stat().st_size
    with path.open('rb') as file:
        first = load(file)
        if first != LEGACY_MAGIC:
            if isinstance(first, dict):
                return first
            raise pickle.UnpicklingError('it begins as none')
        if load(file) != LEGACY_PROTOCOL:
            raise pickle.UnpicklingError('of an unknown protocol')
        load(file)  # about the machine that wrote it; storages are little-endian always
        claimed: dict[str, Storage] = {}
        total = 0

        def find(identifier: Any) -> Storage:
            nonlocal total
            wanted = StorageId.parse(identifier)
            if wanted.key not in claimed:
                total += wanted.bytes
                if total > size:
                    raise ValueError(f'storage {wanted.key} is larger than the file')
                claimed[wanted.key] = Storage(
                    wanted.dtype, torch.empty(wanted.bytes, dtype=torch.uint8))
            storage = claimed[wanted.key]
            if storage.dtype != wanted.dtype or len(storage.content) != wanted.bytes:
                raise ValueError(f'storage {wanted.key} is of two sizes')
            return storage

        content = load(file, find)
        keys = load(file)
        if not isinstance(keys, list) or len(keys) != len(claimed) or any(
                not isinstance(key, str) for key in keys) or set(keys) != set(claimed):
            raise ValueError('its storages are not those of its pickle')
        for key in keys:
            storage = claimed[key]
            if int.from_bytes(file.read(8), 'little') != storage.length:
                raise ValueError(f'storage {key} has another number of elements')
            _fill(storage.content, file)
    return content


def _checked(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Records by their names, each of which has bytes of its own in the file."""
    found = archive.infolist()
    if any(record.filename.split('/')[-1] == 'constants.pkl' for record in found):
        raise OtherFileError("is a TorchScript program, not a checkpoint: save the module's "
                             'state_dict() instead')
    end = 0
    for record in sorted(found, key=lambda record: record.header_offset):
        if record.compress_type != zipfile.ZIP_STORED or record.flag_bits & 1 or (
                record.file_size != record.compress_size):
            raise ValueError(f'its record {record.filename[:80]!r} is compressed, which torch.save '
                             'never does')
        if record.header_offset < end:
            raise ValueError(f'its record {record.filename[:80]!r} lies over another')
        end = record.header_offset + LOCAL_HEADER + len(record.filename) + record.file_size
    if end > size:
        raise ValueError('its records reach beyond its end')
    records = {record.filename: record for record in found}
    if len(records) < len(found):
        raise ValueError('it has several records of one name')
    return records


def _fill(content: Tensor, file: BinaryIO) -> None:
    """Read as many bytes as there are places."""
    target, place = memoryview(content.numpy()), 0
    while place < len(target):
        block = file.read(min(BLOCK, len(target) - place))
        if not block:
            raise EOFError('it ends within a storage')
        target[place:place + len(block)] = block
        place += len(block)

"""ImageNet's archives, unpacked into one folder a class by torchvision, which knows their MD5."""

import tarfile
from collections.abc import Callable
from pathlib import Path

from torchvision.datasets.imagenet import (
    parse_devkit_archive,
    parse_train_archive,
    parse_val_archive,
)

from infomin_plugin.datasets.mini.place import built_aside

from .files import PrepareError, Update, ignore


def unpack_train(archive: Path, target: Path, update: Update = ignore) -> None:
    """Unpack ``ILSVRC2012_img_train.tar`` to ``target/train/CLASS/*.JPEG``.

    It is built beside and renamed at the end.

    Args:
        archive: The archive.
        target: Folder that gets ``train``.
        update: Not told anything: torchvision counts nothing.

    Raises:
        PrepareError: If ``target/train`` has something in it, or the archive is not the published
            one.
        OSError: If a file cannot be written.
    """
    _unpack(target / 'train', archive, lambda folder: parse_train_archive(
        str(archive.parent), archive.name, folder=str(folder)))


def unpack_val(archive: Path, target: Path, update: Update = ignore) -> None:
    """Unpack ``ILSVRC2012_img_val.tar`` to ``target/val/CLASS/*.JPEG``; see :func:`unpack_train`.

    The classes are those of ``ILSVRC2012_devkit_t12.tar.gz`` beside it.
    """
    def parse(folder: Path) -> None:
        parse_devkit_archive(str(archive.parent))
        parse_val_archive(str(archive.parent), archive.name, folder=str(folder))

    _unpack(target / 'val', archive, parse)


def _unpack(out: Path, archive: Path, parse: Callable[[Path], None]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists() and any(out.iterdir()):
        raise PrepareError(f'{out} is there, but is not complete: move it away, so that {archive} '
                           'can be unpacked in its place')
    try:
        # absolute: torchvision takes folders relative to the archive
        with built_aside(out.absolute()) as folder:
            parse(folder)
    except (RuntimeError, tarfile.TarError) as error:
        raise PrepareError(f'{archive} cannot be unpacked: {error}') from error

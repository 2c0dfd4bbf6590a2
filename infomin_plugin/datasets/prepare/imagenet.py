"""ImageNet's archives, unpacked class by class, so that a run goes on where one was cut off."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torchvision.datasets.imagenet import load_meta_file, parse_devkit_archive

from .archives import Member, files_of, files_within, write
from .files import PrepareError, Update, ignore, need_space

_CLASS_ARCHIVE = re.compile(r'(n\d{8})\.tar')


@dataclass(frozen=True)
class _Class:
    size: int  # bytes of the archive
    images: Callable[[], AbstractContextManager[list[Member]]]


def unpack_train(archive: Path, target: Path, update: Update = ignore) -> None:
    """Unpack ``ILSVRC2012_img_train.tar`` to ``target/train/CLASS/*.JPEG``.

    It is built in ``target/.train.part``, which is renamed at the end. A class gets its name there
    when it is complete, and stays if the run is cut off; the next one unpacks the others.

    Args:
        archive: The archive, of which each member is a tar of one class.
        target: Folder that gets ``train``.
        update: Told the bytes done, those of the classes that are there already among them.

    Raises:
        PrepareError: If ``target/train`` has something in it, the archive has another form or is
            refused (see :func:`.archives.unpack`), or the disk is too small for what is missing.
        OSError: If a file cannot be written.
    """
    out = _free(target / 'train', archive)
    with files_of(archive) as members:
        classes = {}
        for member in members:
            if not (named := _CLASS_ARCHIVE.fullmatch(member.name)):
                raise PrepareError(f'{archive}: its member {member.name!r} is not the tar of a '
                                   'class, such as n01440764.tar')
            classes[named[1]] = _Class(member.size, partial(files_within, archive, member))
        _build(out, archive, classes, update)


def unpack_val(archive: Path, target: Path, update: Update = ignore) -> None:
    """Unpack ``ILSVRC2012_img_val.tar`` to ``target/val/CLASS/*.JPEG``; see :func:`unpack_train`.

    The classes, in the order of the images' names, are those of ``ILSVRC2012_devkit_t12.tar.gz``
    beside it, which torchvision checks and reads.
    """
    out = _free(target / 'val', archive)
    try:
        parse_devkit_archive(str(archive.parent))
    except RuntimeError as error:
        raise PrepareError(f'{archive} cannot be unpacked: {error}') from error
    labels = load_meta_file(str(archive.parent))[1]
    with files_of(archive) as members:
        if len(members) != len(labels):
            raise PrepareError(f'{archive} has {len(members):,} images, but the development kit '
                               f'names the classes of {len(labels):,}')
        images = defaultdict(list)
        for member, name in zip(sorted(members, key=lambda member: member.name), labels,
                                strict=True):
            images[name].append(member)
        _build(out, archive, {
            name: _Class(sum(member.size for member in of_class), partial(nullcontext, of_class))
            for name, of_class in images.items()}, update)


def _free(out: Path, archive: Path) -> Path:
    if out.exists() and any(out.iterdir()):
        raise PrepareError(f'{out} is there, but is not complete: move it away, so that {archive} '
                           'can be unpacked in its place')
    return out


def _build(out: Path, archive: Path, classes: dict[str, _Class], update: Update) -> None:
    folder = out.with_name(f'.{out.name}.part')
    folder.mkdir(parents=True, exist_ok=True)
    for cut_off in folder.glob('.*'):
        shutil.rmtree(cut_off)
    missing = {name: of_class for name, of_class in classes.items()
               if not (folder / name).is_dir()}
    total, needed = (sum(of_class.size for of_class in group.values())
                     for group in (classes, missing))
    need_space(folder, needed, f'{archive} cannot be unpacked')
    done = total - needed
    for name, of_class in sorted(missing.items()):
        aside = folder / f'.{name}'
        aside.mkdir()
        with of_class.images() as images:
            written = done
            for image in images:
                write(image, aside / image.name)
                written += image.size
                update(written, total)
        aside.rename(folder / name)
        done += of_class.size
        update(done, total)
    os.replace(folder, out)

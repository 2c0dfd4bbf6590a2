"""Puts a whole set in its place, or finds that it is already there; never half of one."""

import contextlib
import fcntl
import json
import os
import shutil

VOC = 'VOCdevkit/VOC2007'


@contextlib.contextmanager
def locked(folder):
    """Let one process at a time make sets in a folder; a second one then finds the first's."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks; then two runs at once are the user's affair.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def built_aside(out):
    """Give a folder beside `out` to build in, which becomes `out` if all goes well.

    Call it under the lock: what lies beside is then left over from a killed run, and goes.
    """
    partial = out.with_name(f'.{out.name}.partial')
    old = out.with_name(f'.{out.name}.old')
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        yield partial
        if out.exists() and any(out.iterdir()):
            os.replace(out, old)
        os.replace(partial, out)
    finally:
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)


def find_set(out, request, overwrite):
    """Return the description of the set in `out`, or None if it is to be made.

    Raises:
        FileExistsError: Making the set would lose something, or what is there is not the set
            that was asked for, or not all of it.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise FileExistsError(f'{out} is a file; a folder is to be made there')
    if not any(out.iterdir()):
        return None
    try:
        meta = json.loads((out / 'meta.json').read_text(encoding='utf-8'))
        found = meta['request']
        names = ('classes', 'counts', 'format', 'options')
        if not {*meta, *found}.issuperset(names):
            raise KeyError
    except (OSError, ValueError, KeyError, TypeError):
        raise FileExistsError(
            f'{out} is not empty and is not a mini set; choose another folder'
        ) from None
    if overwrite:
        return None
    if found != request:
        raise FileExistsError(
            f'{out} holds a mini set made in another way ({_differences(found, request)}); '
            'choose another folder, or overwrite it'
        )
    missing = _missing(out)
    if missing:
        raise FileExistsError(
            f'{out} lacks {len(missing)} of its files, {missing[0]} among them; overwrite it'
        )
    return meta


def _differences(found, wanted):
    """`seed: 0 there, 1 wanted; …`."""
    there, here = ({**request, **request['options']} for request in (found, wanted))
    names = sorted({*there, *here} - {'options'})
    return '; '.join(
        f'{name}: {there.get(name)} there, {here.get(name)} wanted'
        for name in names
        if there.get(name) != here.get(name)
    )


def _missing(out):
    if not (out / 'sources.json').is_file():
        return ['sources.json']
    names = list(json.loads((out / 'sources.json').read_text(encoding='utf-8')))
    stems = [name.split('/')[-1][:-4] for name in names if name.startswith(VOC)]
    names += [f'{VOC}/Annotations/{stem}.xml' for stem in stems]
    for part in ('trainval', 'test'):
        names += [f'{VOC}/ImageSets/Main/{part}.txt', f'coco/annotations/instances_{part}.json']
    return [name for name in names if not (out / name).is_file()]

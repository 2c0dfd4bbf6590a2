"""What was measured, put together: medians and ranges, ratios, shares, the next bound."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from peers import Peer
from PIL import features
from step_times import DECODING as DECODING_STEP
from timing import Turn

_PACKAGES = ('mmcv', 'mmengine', 'mmselfsup', 'numba', 'numpy', 'opencv-python',
             'opencv-python-headless', 'pillow', 'simplejpeg', 'torch', 'torchvision')


def machine() -> dict:
    """Describe what the figures depend on: processor, cores, versions."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
    packages = {}
    for package in _PACKAGES:
        try:
            packages[package] = version(package)
        except PackageNotFoundError:  # of OpenCV one build is there
            continue
    usable = os.sched_getaffinity(0) if hasattr(os, 'sched_getaffinity') else range(os.cpu_count())
    return dict(cpu=names[0] if names else platform.processor(), cores=len(usable),
                system=platform.platform(), python=platform.python_version(), packages=packages,
                pillow_libjpeg_turbo=features.version('libjpeg_turbo'))


def summarise(values: Sequence[float]) -> dict:
    """Median, range and all values, in the order of the turns."""
    return dict(median=median(values), min=min(values), max=max(values), turns=list(values))


def quotient(numerators: Sequence[float], denominators: Sequence[float]) -> dict:
    """Divide the medians of two series of turns; the range is that of the turns' own quotients."""
    each = [a / b for a, b in zip(numerators, denominators, strict=True)]
    return dict(value=median(numerators) / median(denominators), min=min(each), max=max(each))


def next_bound(steps: Sequence[dict]) -> dict:
    """Tell what bounds a pipeline of ours: decoding, and the step that takes most besides.

    Returns:
        dict: decoding_share; ceiling, how many times faster the sample would be if all else took
        no time; step and step_share; change and change_share, that of its changes that takes most.
    """
    decoding = sum(row['share'] for row in steps if row['step'] == DECODING_STEP)
    others = [row for row in steps if row['step'] != DECODING_STEP]
    if not others:
        return dict(decoding_share=decoding)
    shares = {}
    for row in others:
        shares[row['step']] = shares.get(row['step'], 0) + row['share']
    step = max(shares, key=shares.get)
    top = max((row for row in others if row['step'] == step), key=lambda row: row['share'])
    return dict(decoding_share=decoding, ceiling=1 / decoding if decoding else None, step=step,
                step_share=shares[step], change=top['change'], change_share=top['share'])


def assemble(peers: Sequence[Peer], times: dict[str, list[Turn]], steps: dict[str, list[dict]],
             rates: dict[str, dict[int, list[float]]], files: Sequence[str],
             arguments: dict, load_average: float) -> dict:
    """Put everything together as it goes to the JSON file.

    Args:
        peers: What was timed.
        times: Of ``time_peers``.
        steps: Of ``time_steps``, by name of a pipeline of ours.
        rates: Of ``time_loaders``; empty if they were left out.
        files: Paths.
        arguments: Of the command line.
        load_average: Of the machine before the start.
    """
    ms = {name: [turn.ms for turn in turns] for name, turns in times.items()}
    rows, ratios = {}, []
    for peer in peers:
        row = rows[peer.name] = dict(
            ms=summarise(ms[peer.name]),
            # Below 1 the processor did something else; above, the pipeline has threads.
            processor_share=median(turn.cpu_ms / turn.ms for turn in times[peer.name]))
        if peer.decoding:
            row['decoding_share'] = median(ms[peer.decoding]) / median(ms[peer.name])
        if peer.build:
            row.update(steps=steps[peer.name], bound=next_bound(steps[peer.name]))
            row['decoding_share'] = row['bound']['decoding_share']
        if peer.ours:
            ratios.append(dict(peer=peer.name, ours=peer.ours,
                               **quotient(ms[peer.name], ms[peer.ours])))
        if rates:
            row['images_a_second'] = {str(number): summarise(values)
                                      for number, values in rates[peer.name].items()}
            fewest, *more = sorted(rates[peer.name])
            row['workers_gain'] = {
                f'{number}/{fewest}': quotient(rates[peer.name][number], rates[peer.name][fewest])
                for number in more}
    return dict(
        machine=machine() | dict(load_average=load_average),
        arguments={name: _plain(value) for name, value in arguments.items()},
        images=dict(number=len(files), mean_bytes=sum(map(os.path.getsize, files)) / len(files)),
        rows=rows, ratios=ratios)


def _plain(value):
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value

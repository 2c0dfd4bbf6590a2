"""Weights in and out: a table of the layouts that a trunk can be written in."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .detectron2 import write_detectron2
from .files import CheckpointError, write_backbone, writing_aside
from .origins import read_trunk
from .pycontrast import write_pycontrast
from .trunk import Trunk


def write_state_dict(path: str | os.PathLike, trunk: Trunk) -> None:
    """Write the tensors alone, in torchvision's names, which are timm's too.

    Args:
        path (str | PathLike): File to write; one that exists is replaced.
        trunk (Trunk): A single trunk.

    Raises:
        OSError: If the file cannot be written. One that existed is then untouched.
    """
    with writing_aside(path) as file:
        torch.save({key: tensor.clone() for key, tensor in trunk.state_dict.items()}, file)


@dataclass(frozen=True)
class Layout:
    """A kind of file that is written.

    Attributes:
        write (Callable): Takes the path and the trunk.
        use (str): How such a file is loaded, in a line.
        suffix (str): How its name has to end; anyhow if empty.
        two_views (bool): Whether it has a place for two trunks; ``write`` may refuse their views.
    """
    write: Callable[[str | os.PathLike, Trunk], None]
    use: str
    suffix: str = ''
    two_views: bool = False


LAYOUTS = {
    'mmdet': Layout(
        write_backbone, "init_cfg=dict(type='Pretrained', checkpoint=FILE) of any backbone",
        two_views=True),
    'torchvision': Layout(
        write_state_dict, 'load_state_dict(torch.load(FILE, weights_only=True), strict=False): '
        'only fc.* is missing'),
    'timm': Layout(
        write_state_dict, 'timm.create_model(NAME, num_classes=0, checkpoint_path=FILE)'),
    'detectron2': Layout(
        write_detectron2, 'MODEL.WEIGHTS FILE MODEL.RESNETS.STRIDE_IN_1X1 False INPUT.FORMAT RGB '
        'MODEL.PIXEL_MEAN [123.675,116.28,103.53] MODEL.PIXEL_STD [58.395,57.12,57.375]',
        suffix='.pkl'),
    'pycontrast': Layout(write_pycontrast, 'main_linear.py --ckpt FILE', two_views=True),
}


def convert_checkpoint(path: str | os.PathLike,
                       out: str | os.PathLike,
                       layout: str = 'mmdet',
                       source: str = 'query',
                       overwrite: bool = False) -> Trunk:
    """Read a trunk from a file of any known origin and write it in another layout.

    Args:
        path (str | PathLike): File to read.
        out (str | PathLike): File to write; its folder is made.
        layout (str): One of :data:`LAYOUTS`. Defaults to ``'mmdet'``, the exported backbone.
        source (str): ``'query'`` or ``'momentum'``, as of :func:`read_trunk`.
        overwrite (bool): Replace ``out`` if it exists. Defaults to False.

    Returns:
        Trunk: What was written.

    Raises:
        CheckpointError: If no trunk can be read, or the layout has no place for it.
        FileExistsError: If ``out`` exists and is not to be overwritten, or is ``path`` itself.
        OSError: If a file cannot be read or written; ``out`` is then as it was.
        ValueError: If ``layout`` or ``source`` is unknown, or ``out`` has the wrong suffix.
    """
    if layout not in LAYOUTS:
        raise ValueError(f'layout is one of {", ".join(LAYOUTS)}, got {layout!r}')
    path, out = Path(path), Path(out)
    target = LAYOUTS[layout]
    if not out.name.endswith(target.suffix):
        raise ValueError(f'{out}: {layout} reads such a file only if its name ends in '
                         f'{target.suffix}')
    if out.exists() and path.exists() and out.samefile(path):
        raise FileExistsError(f'{out} is the checkpoint itself: give another name')
    if out.exists() and not overwrite:
        raise FileExistsError(f'{out} exists: give another name, or --overwrite')
    trunk = read_trunk(path, source)
    if trunk.architecture.views > 1 and not target.two_views:
        raise CheckpointError(f'{path} is a {trunk.architecture}: the layout {layout} has no '
                              'place for a second trunk and the view generator; mmdet has, and '
                              'pycontrast for the views of CMC')
    out.parent.mkdir(parents=True, exist_ok=True)
    target.write(out, trunk)
    return trunk


def report(out: str | os.PathLike, trunk: Trunk) -> str:
    """Say in one line what was written where."""
    behind = f' behind {trunk.generator}' if trunk.generator else ''
    if isinstance(trunk.view_norm, dict):
        behind += ' and fixed statistics of the views, ' + ', '.join(
            f'{kind} {[round(value, 4) for value in values]}'
            for kind, values in trunk.view_norm.items())
    return (f'{out}: {trunk.architecture}{behind}, {len(trunk.state_dict)} tensors '
            f'(from {trunk.description}; {len(trunk.ignored)} other entries left out)')

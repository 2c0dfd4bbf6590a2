"""Detectron2's backbones: its names, and the pickles of numpy arrays that it reads.

The rules are those of Detectron2's ``tools/convert-torchvision-to-d2.py``, which MoCo's and
PyContrast's converters follow too: ``conv1`` and ``bn1`` become ``stem.conv1`` and
``stem.conv1.norm``, stage ``layerN`` becomes ``resN+1``, in its blocks ``bnN`` becomes
``convN.norm``, ``downsample.0`` and ``.1`` become ``shortcut`` and ``shortcut.norm``.
"""

import os
import pickle
import re
from typing import TYPE_CHECKING

import torch

from .files import CheckpointError, describe, writing_aside

if TYPE_CHECKING:
    from .trunk import Trunk

NAMES = {
    'downsample.0': 'shortcut',
    'downsample.1': 'shortcut.norm',
    **{f'conv{n}': f'conv{n}' for n in (1, 2, 3)},
    **{f'bn{n}': f'conv{n}.norm' for n in (1, 2, 3)},
}
TORCHVISION_NAMES = {new: old for old, new in NAMES.items()}
PROTOCOL = 4  # of pickle: Python 3.4 and later


def to_detectron2(key: str) -> str:
    """Name of a trunk's tensor in Detectron2.

    Args:
        key (str): A torchvision name, such as ``layer1.0.bn1.weight``.

    Returns:
        str: Detectron2's, such as ``res2.0.conv1.norm.weight``.
    """
    place, layer, kind = re.fullmatch(
        r'(layer\d\.\d+\.)?(conv\d|bn\d|downsample\.\d)\.(\w+)', key).groups(default='')
    place = f'res{int(place[5]) + 1}{place[6:]}' if place else 'stem.'
    return f'{place}{NAMES[layer]}.{kind}'


def from_detectron2(key: str) -> str | None:
    """Name in torchvision of a tensor of a Detectron2 backbone.

    Args:
        key (str): Detectron2's name.

    Returns:
        str | None: torchvision's; for a tensor of the stem or the stages of some other kind of
        network a name that a torchvision ResNet has not; None for what is outside the backbone.
    """
    if match := re.fullmatch(r'(stem|res[2-5]\.\d+)\.(conv\d|shortcut)(\.norm)?\.(\w+)', key):
        place, layer, norm, kind = match.groups(default='')
        if name := TORCHVISION_NAMES.get(layer + norm):
            place = '' if place == 'stem' else f'layer{int(place[3]) - 1}{place[4:]}.'
            return f'{place}{name}.{kind}'
    return key if key.startswith(('stem.', 'res2.', 'res3.', 'res4.', 'res5.')) else None


def write_detectron2(path: str | os.PathLike, trunk: 'Trunk') -> None:
    """Write a pickle for Detectron2's ``MODEL.WEIGHTS``; its name has to end in ``.pkl`` for that.

    Args:
        path (str | PathLike): File to write; one that exists is replaced.
        trunk (Trunk): A single trunk.

    Raises:
        CheckpointError: If a tensor is of a type that numpy has not.
        OSError: If the file cannot be written. One that existed is then untouched.
    """
    if wrong := [key for key, tensor in trunk.state_dict.items() if tensor.dtype == torch.bfloat16]:
        raise CheckpointError(f'{trunk.path}: {wrong[0]} is of type bfloat16, which the numpy '
                              "arrays of Detectron2's files have not")
    content = dict(
        model={to_detectron2(key): tensor.numpy() for key, tensor in trunk.state_dict.items()},
        __author__='infomin_plugin',
        matching_heuristics=True,
        meta=describe(trunk))
    with writing_aside(path) as file:
        pickle.dump(content, file, protocol=PROTOCOL)

"""A view generator and the two trunks behind it, as one set of named tensors.

The names are those of :class:`infomin_plugin.models.TwoViewBackbone`: ``generator.*``,
``view_norms.*`` (if views were normalised), ``trunk1.*`` and ``trunk2.*``, the trunks in
torchvision's names.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .files import CheckpointError
from .resnet import Architecture, find_resnet, shorten

GENERATOR, VIEW_NORMS, TRUNKS = 'generator.', 'view_norms.', ('trunk1.', 'trunk2.')
SETTINGS = f'{GENERATOR}settings'
MEANS, DEVIATIONS = (tuple(f'{VIEW_NORMS}{view}.{kind}' for view in (0, 1))
                     for kind in ('mean', 'std'))
STEM = 'conv1.weight'
# What they are called in the pair of encoders of a training checkpoint.
IN_ENCODERS = {VIEW_NORMS: VIEW_NORMS, 'encoder1.backbone.': TRUNKS[0],
               'encoder2.backbone.': TRUNKS[1]}


def pack_settings(settings: Mapping[str, Any]) -> Tensor:
    """Write settings as a tensor of JSON text (uint8), which fits into a state dict."""
    return torch.tensor(list(json.dumps(settings).encode()), dtype=torch.uint8)


def unpack_settings(tensor: Tensor) -> dict[str, Any]:
    """Undo :func:`pack_settings`.

    Raises:
        CheckpointError: If the tensor is no such text.
    """
    try:
        if tensor.dtype != torch.uint8 or tensor.ndim != 1:
            raise ValueError(f'{tensor.dtype}, {tensor.ndim} dimensions')
        settings = json.loads(bytes(tensor.tolist()))
    except ValueError as error:
        raise CheckpointError(f'the settings of the view generator are unreadable: '
                              f'{error}') from None
    if not isinstance(settings, dict):
        raise CheckpointError(f'the settings of the view generator are no dict: {settings!r}')
    return settings


def pack_view_norm(mean: Sequence[float], std: Sequence[float]) -> dict[str, Tensor]:
    """Write fixed statistics of the views as the tensors that a model has for them.

    Args:
        mean (Sequence[float]): Three means, of the one channel of view 1 and the two of view 2.
        std (Sequence[float]): The standard deviations.
    """
    return {key: torch.tensor(part) for keys, values in ((MEANS, mean), (DEVIATIONS, std))
            for key, part in zip(keys, (values[:1], values[1:]), strict=True)}


def find_view_norm(state: Mapping[str, Tensor]) -> bool | dict[str, list[float]]:
    """Tell by what the views were normalised.

    Args:
        state (Mapping[str, Tensor]): Tensors in the names of this module.

    Returns:
        bool | dict: What ``view_norm`` of a :class:`infomin_plugin.models.TwoViewBackbone` has to
        be: ``dict(mean=..., std=...)`` of fixed statistics, True for batch norms, or False.

    Raises:
        CheckpointError: If fixed statistics are not whole, or a deviation is not positive. The
            file is not known here.
    """
    names = {key for key in state if key.startswith(VIEW_NORMS)}
    fixed = {*MEANS, *DEVIATIONS}
    if not names & fixed:
        return bool(names)
    sizes = {key: (channels, ) for keys in (MEANS, DEVIATIONS)
             for channels, key in enumerate(keys, start=1)}
    wrong = sorted(names ^ fixed) or [key for key, size in sizes.items() if size != state[key].shape
                                      or not state[key].is_floating_point()]
    if wrong:
        raise CheckpointError('two trunks whose views have no whole fixed statistics, a mean and a '
                              f'deviation of each channel: see {shorten(wrong)}')
    mean, std = ([value for key in keys for value in state[key].tolist()]
                 for keys in (MEANS, DEVIATIONS))
    if min(std) <= 0:
        raise CheckpointError(f'two trunks whose views have deviations that are not positive: '
                              f'{std}')
    return dict(mean=mean, std=std)


def is_two_view(state: Mapping[str, Any]) -> bool:
    """Whether these are tensors of two trunks behind a generator."""
    return f'{TRUNKS[0]}{STEM}' in state


def find_two_views(state: Mapping[str, Tensor]) -> Architecture:
    """Tell from names and shapes which ResNet either trunk is.

    Args:
        state (Mapping[str, Tensor]): Tensors in the names of this module, and nothing else.

    Returns:
        Architecture: The trunks', with two views.

    Raises:
        CheckpointError: If the trunks are not whole, differ, or take other channels than one and
            two, the generator is absent, or fixed statistics of the views are wrong. The file is
            not known here.
    """
    if SETTINGS not in state:
        raise CheckpointError(f'two trunks without their view generator: {SETTINGS} missing')
    unpack_settings(state[SETTINGS])
    find_view_norm(state)
    known = (GENERATOR, VIEW_NORMS, *TRUNKS)
    if unknown := [key for key in state if not key.startswith(known)]:
        raise CheckpointError(f'tensors that are no part of two trunks: {shorten(unknown)}')
    architectures = []
    for channels, prefix in enumerate(TRUNKS, start=1):
        trunk = {key.removeprefix(prefix): tensor for key, tensor in state.items()
                 if key.startswith(prefix)}
        try:
            architectures.append(find_resnet(trunk))
        except CheckpointError as error:
            raise CheckpointError(f'two trunks, of which {prefix[:-1]} is {error}') from None
        if trunk[STEM].shape[1] != channels:
            raise CheckpointError(f'two trunks, of which {prefix[:-1]} takes '
                                  f'{trunk[STEM].shape[1]} channels instead of {channels}')
    first, second = architectures
    if first != second:
        raise CheckpointError(f'two different trunks, {first} and {second}')
    return replace(first, views=2)

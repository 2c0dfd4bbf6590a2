"""Where trunks come from: a table of the known kinds of files, and the reader over it."""

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .arrays import PickledArray
from .detectron2 import from_detectron2
from .files import CheckpointError, read_file, shown
from .pycontrast import ENCODERS, VIEWS
from .resnet import Architecture, shorten
from .trunk import Trunk, find_architecture
from .two_view import GENERATOR, IN_ENCODERS, TRUNKS, VIEW_NORMS

SOURCES = ('query', 'momentum')
FIRST = 'conv1.weight'


@dataclass(frozen=True)
class Place:
    """Where in a file a trunk lies.

    Attributes:
        within (tuple[str]): Keys that lead to the dict of tensors; empty for the file itself.
        prefix (str): What stands before the trunk's names there; of two trunks, the first's.
        parts (dict[str, str], optional): Where a trunk is of several parts, what stands before
            the names of each there, and what does in the trunk.
        rename (Callable, optional): Where names are others, what the trunk calls a tensor of a
            name there; None if it has no such.
    """
    within: tuple[str, ...]
    prefix: str = ''
    parts: Mapping[str, str] | None = None
    rename: Callable[[str], str | None] | None = None

    def dict_in(self, content: Any) -> dict[str, Any]:
        """The named items there; none if the file has no such dict."""
        for key in self.within:
            content = content.get(key) if isinstance(content, Mapping) else None
        if not isinstance(content, Mapping):
            return {}
        return {key: value for key, value in content.items() if isinstance(key, str)}

    def is_in(self, content: Any) -> bool:
        """Whether the file has a trunk there."""
        return f'{self.prefix}{FIRST}' in self.dict_in(content)

    def name_in_trunk(self, key: str) -> str | None:
        """What the trunk calls a tensor of the dict there; None if it has no such."""
        if self.rename is not None:
            return self.rename(key)
        parts = {self.prefix: ''} if self.parts is None else self.parts
        return next((new + key.removeprefix(old) for old, new in parts.items()
                     if key.startswith(old)), None)


@dataclass(frozen=True)
class Origin:
    """A kind of file; adding one is adding a row to :data:`ORIGINS`.

    Attributes:
        name (str): What it is called in reports.
        query (Place): The trained encoder.
        momentum (Place, optional): Its momentum copy, in files that hold one.
        heads (tuple[str]): Prefixes, after the trunk's, of what is not trunk.
        mark (Place, optional): Where files of this kind, and no others with a trunk at the same
            place, have something.
        implied (dict[str, Tensor]): What the trunk has besides, in all files of this kind.
    """
    name: str
    query: Place
    momentum: Place | None = None
    heads: tuple[str, ...] = ()
    mark: Place | None = None
    implied: Mapping[str, Tensor] = field(default_factory=dict)

    def matches(self, content: Any) -> bool:
        """Whether a file's content is of this kind."""
        if self.mark and not any(
                key.startswith(self.mark.prefix) for key in self.mark.dict_in(content)):
            return False
        return self.query.is_in(content)


EXPORTED = Place(('meta', ), 'infomin_plugin')


def _two_views(encoders: str) -> Place:
    """Where a training checkpoint has a view generator and a pair of encoders of that name."""
    parts = {f'{encoders}{old}': new for old, new in IN_ENCODERS.items()}
    return Place(('state_dict', ), f'{encoders}encoder1.backbone.', {GENERATOR: GENERATOR} | parts)


EXPORTED_TWO_VIEWS = Place(('state_dict', ), TRUNKS[0],
                           {prefix: prefix for prefix in (GENERATOR, VIEW_NORMS, *TRUNKS)})


def _two_modalities(within: str, wrapper: str = '') -> Place:
    """Where a file of PyContrast has an encoder each for luminance and chrominance."""
    parts = {f'{wrapper}{old}': new for old, new in ENCODERS.items()}
    return Place((within, ), next(iter(parts)), parts)


# The first row that matches is taken.
ORIGINS = (
    Origin('two-view training checkpoint', _two_views('encoders.'),
           _two_views('momentum_encoder.module.')),
    Origin('exported two-view backbone', EXPORTED_TWO_VIEWS, EXPORTED_TWO_VIEWS, mark=EXPORTED),
    Origin(
        'InfoMin training checkpoint',
        Place(('state_dict', ), 'backbone.'),
        Place(('state_dict', ), 'momentum_encoder.module.backbone.'),
        mark=Place(('state_dict', ), 'momentum_encoder.module.backbone.')),
    Origin(
        'mmselfsup MoCo training checkpoint',
        Place(('state_dict', ), 'backbone.'),
        Place(('state_dict', ), 'encoder_k.module.0.'),
        mark=Place(('state_dict', ), 'encoder_k.module.0.')),
    Origin('OpenMMLab checkpoint', Place(('state_dict', ), 'backbone.')),
    Origin(
        'MoCo official',
        Place(('state_dict', ), 'module.encoder_q.'),
        Place(('state_dict', ), 'module.encoder_k.'),
        heads=('fc.', )),
    Origin(
        'PyContrast',
        Place(('model', ), 'module.encoder.'),
        Place(('model_ema', ), 'encoder.')),
    Origin('PyContrast, two modalities', _two_modalities('model', 'module.'),
           _two_modalities('model_ema'), implied=VIEWS),
    Origin('Detectron2', Place(('model', ), 'stem.', rename=from_detectron2), heads=('fc.', )),
    Origin('VISSL', Place(('classy_state_dict', 'base_model', 'model', 'trunk'),
                          '_feature_blocks.')),
    Origin(
        'exported backbone',
        Place(('state_dict', )),
        Place(('state_dict', )),
        mark=EXPORTED),
    Origin('plain backbone', Place(('state_dict', )), heads=('fc.', )),
    Origin('torchvision/timm state dict', Place(()), heads=('fc.', )),
)  # yapf: disable


def read_trunk(path: str | os.PathLike, source: str = 'query') -> Trunk:
    """Read the ResNet trunk of a file of any origin in :data:`ORIGINS`.

    Args:
        path (str | PathLike): A local file.
        source (str): ``'query'`` for the trained encoder or ``'momentum'`` for its slowly moving
            copy. Defaults to ``'query'``.

    Returns:
        Trunk: A whole trunk on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, would execute code, holds no trunk, an incomplete
            one, one with values that are not finite, or not the encoder that is asked for.
        ValueError: If ``source`` is none of these.
    """
    if source not in SOURCES:
        raise ValueError(f"source is 'query' or 'momentum', got {source!r}")
    path = Path(path)
    content = read_file(path)
    origin = next((origin for origin in ORIGINS if origin.matches(content)), None)
    if origin is None:
        raise CheckpointError(f'{path} holds no ResNet trunk: {_what_is_there(content)}')

    # a file of ours with one encoder says which; it is also what is read by default
    meta = EXPORTED.dict_in(content)
    exported = meta.get('source') if EXPORTED.prefix in meta else None
    if not (exported is None or isinstance(exported, str) and exported in SOURCES):
        raise CheckpointError(f'{path} ({origin.name}) is of an unknown encoder')
    place = origin.query if source == 'query' else origin.momentum
    if place is None or not place.is_in(content) or (source == 'momentum' and exported == 'query'):
        raise CheckpointError(f'{path} ({origin.name}) holds no {source} encoder')

    tensors = place.dict_in(content)
    heads = tuple(place.prefix + head for head in origin.heads)
    names = {key: name for key in tensors if (name := place.name_in_trunk(key)) is not None
             and not (heads and key.startswith(heads))}
    state = {key: tensor.clone() for key, tensor in origin.implied.items()}
    state |= _tensors(tensors, names, path)
    architecture = _check(state, path)
    state, filled = _with_counters(state)
    return Trunk(
        state_dict=state,
        architecture=architecture,
        origin=origin.name,
        path=path,
        source=exported or source,
        ignored=tuple(key for key in tensors if key not in names),
        filled=filled,
        implied=tuple(origin.implied),
        pretraining={key: value
                     for key, value in Place(('meta', 'pretraining')).dict_in(content).items()
                     if isinstance(value, str | int)})


def _tensors(values: Mapping[str, Any], names: Mapping[str, str], path: Path) -> dict[str, Tensor]:
    """Take the tensors out, which together are no larger than the file that they are in."""
    state, room = {}, path.stat().st_size
    for key, name in names.items():
        state[name] = _as_tensor(values[key], key, path)
        room -= state[name].numel() * state[name].element_size()
        if room < 0:
            raise CheckpointError(f'{path}: its tensors have more elements than the file')
    return state


def _as_tensor(value: Any, key: str, path: Path) -> Tensor:
    """Take a tensor as it is and an array as a tensor."""
    if isinstance(value, PickledArray):
        try:
            return value.to_tensor()
        except ValueError as error:
            raise CheckpointError(f'{path}: {shown(key)} {error}') from None
    if not isinstance(value, Tensor):
        raise CheckpointError(f'{path}: {shown(key)} is a {type(value).__name__}, not a tensor')
    return value


def _check(state: dict[str, Tensor], path: Path) -> Architecture:
    """Refuse anything but a whole trunk of finite tensors."""
    try:
        architecture = find_architecture(state)
    except CheckpointError as error:
        raise CheckpointError(f'{path} holds {error}') from None
    if wrong := [key for key, tensor in state.items() if not torch.isfinite(tensor).all()]:
        raise CheckpointError(f'{path}: values are not finite in {shorten(wrong)}')
    return architecture


def _with_counters(
        state: dict[str, Tensor]) -> tuple['OrderedDict[str, Tensor]', tuple[str, ...]]:
    """Add the step counters of batch norms that files of old torch versions lack."""
    whole, filled = OrderedDict(), []
    for key, tensor in state.items():
        whole[key] = tensor.detach()
        counter = key.removesuffix('running_var') + 'num_batches_tracked'
        if key.endswith('.running_var') and counter not in state:
            whole[counter] = torch.zeros((), dtype=torch.long)
            filled.append(counter)
    return whole, tuple(filled)


def _what_is_there(content: Any) -> str:
    """What a file without a trunk holds, and what would be right."""
    places = sorted({' / '.join((*origin.query.within, f'{origin.query.prefix}{FIRST}'))
                     for origin in ORIGINS})
    wanted = f'one of these is expected: {"; ".join(places)}'
    if not isinstance(content, Mapping):
        return f'it is a {type(content).__name__}; {wanted}'
    names = content
    for key in ('state_dict', 'model'):
        names = Place((key, )).dict_in(names) or names
    return f'it has {shorten([str(name) for name in names]) or "nothing"}; {wanted}'

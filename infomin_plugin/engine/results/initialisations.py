"""Where a run's weights came from: the row of a table that it belongs to."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infomin_plugin.checkpoints import CheckpointError, read_file

from ..settings.supervised import SUPERVISED

RANDOM = 'random'
# rows in the order of the paper's tables; others come after them, by name
METHODS = (RANDOM, SUPERVISED, "mmselfsup's MoCo v2", 'InstDis', 'PIRL', 'MoCo', 'MoCo v2', 'CMC',
           'CMC v2', 'InfoMin')
# of its keys, those that the row's name says, or that may differ from seed to seed
IN_NAME = ('method', 'epochs', 'planned_epochs', 'seed')


@dataclass(frozen=True)
class Initialisation:
    """What a fine-tuning or a read-out started from.

    Attributes:
        method: Of pre-training, or ``'random'``, ``'supervised'``.
        epochs: Of pre-training, None if it is not known.
        planned: Epochs that its schedule was made for.
        seed: Of pre-training, None if it is not known.
        details: What else tells two such initialisations apart, by name.
    """
    method: str
    epochs: int | None = None
    planned: int | None = None
    seed: int | None = None
    details: tuple[tuple[str, str], ...] = ()

    @property
    def settings(self) -> dict[str, str]:
        """Its details by dotted key, as settings of a run have."""
        return {f'initialisation.{key}': value for key, value in self.details}

    @property
    def images(self) -> int | None:
        """Number of images of pre-training, None if it is not known."""
        given = re.fullmatch(r'\d{1,18}', dict(self.details).get('images', ''), re.ASCII)
        return int(given[0]) if given else None

    @property
    def label(self) -> str:
        """Name of the row: the length of pre-training belongs to it."""
        return row_label(self.method, self.epochs, self.planned)


def row_label(method: str, epochs: int | None = None, planned: int | None = None) -> str:
    """Name a row of a table.

    Args:
        method (str): Of pre-training.
        epochs (int, optional): That it lasted.
        planned (int, optional): That its schedule was made for.

    Returns:
        str: Such as ``'InfoMin, 200 epochs'``.
    """
    if epochs is None:
        return method
    unfinished = f' of {planned}' if planned and planned != epochs else ''
    return f'{method}, {epochs}{unfinished} epochs'


def row_order(label: str) -> tuple[int, str, int, int]:
    """The place of a row: by method as in the paper, then by length, those with a mark last.

    Args:
        label (str): See :func:`row_label`; may end with the mark ``[1]`` of a note.

    Returns:
        tuple: To sort by.
    """
    name, mark = re.fullmatch(r'(.*?)(?: \[(\d+)])?', label, re.DOTALL).groups()
    method, _, length = name.partition(', ')
    place = METHODS.index(method) if method in METHODS else len(METHODS)
    number = re.match(r'\d+', length)
    return place, method, int(number[0]) if number else 0, int(mark or 0)


def initialisation_of(config: dict[str, Any]) -> Initialisation:
    """Tell from a training's dumped config what it started from.

    That is ``initialisation``, which :func:`.place_pretrained` writes; of another config the file
    that ``model.backbone.init_cfg`` names, if it is still there to be asked, else its name.

    Args:
        config (dict): See :func:`.parse_config`.

    Returns:
        Initialisation: Where its weights came from.

    Raises:
        ValueError: If the training started from a whole model.
    """
    if config.get('load_from') and not config.get('resume'):
        raise ValueError(f'starts from a whole model (load_from = {config["load_from"]})')
    if given := config.get('initialisation'):
        return from_dict(given)
    init_cfg = config['model']['backbone'].get('init_cfg') or ()
    for item in [init_cfg] if isinstance(init_cfg, dict) else init_cfg:
        if str(item.get('type')).startswith('Pretrained'):
            return _from_file(str(item['checkpoint']))
    return Initialisation(RANDOM)


def from_dict(given: dict[str, Any]) -> Initialisation:
    """Read what :func:`.place_pretrained` wrote.

    Args:
        given (dict): With ``method`` and, as far as known, ``epochs``, ``planned_epochs``,
            ``seed``, ``config``, ``arch``, ``images``, ``batch``, ``overridden``.

    Returns:
        Initialisation: The same.
    """
    # the kind of file says nothing of weights whose training is known
    known = 'config' in given
    details = {key: str(value) for key, value in sorted(given.items())
               if key not in IN_NAME and not (known and key == 'origin')}
    return Initialisation(
        method=str(given['method']), epochs=given.get('epochs'),
        planned=given.get('planned_epochs'), seed=given.get('seed'),
        details=tuple(details.items()))


def _from_file(checkpoint: str) -> Initialisation:
    if checkpoint.startswith(('torchvision://', 'https://download.pytorch.org/')):
        return Initialisation(SUPERVISED, details=(('checkpoint', checkpoint), ))
    name = Path(checkpoint).name
    try:
        content = read_file(checkpoint)
    except (CheckpointError, FileNotFoundError):
        return Initialisation(name)
    meta = content.get('meta') if isinstance(content, dict) else None
    found = meta.get('pretraining') if isinstance(meta, dict) else None
    if not isinstance(found, dict):
        return Initialisation(name)
    # a file may hold anything there
    pretraining = {key: value for key, value in found.items() if isinstance(value, str | int)}
    return from_dict(pretraining) if 'method' in pretraining else Initialisation(name)

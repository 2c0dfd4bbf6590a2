"""Rows of the table of learned views."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..settings.config_files import read_config
from .experiments import Experiment, read_experiment

_FLOWS = {'additive': 'vp', 'affine': 'nvp'}


@dataclass(frozen=True)
class Row(Experiment):
    """Views of one kind.

    Attributes:
        regime: 'raw', 'unsupervised', 'semi-supervised' or 'supervised'.
        space: Colour space of what the views are made from.
        flow: 'vp' (volume-preserving), 'nvp', or '–' where nothing is learned.
        published: The figure to stand beside this row's, as text.
    """

    regime: str
    space: str
    flow: str
    published: str


def read_row(config: str | Path, options: Sequence[str] = ()) -> Row:
    """Read a row off a config of ``configs/view_learning/``.

    Beside what :func:`read_experiment` reads, ``regime`` and ``published``, a text by regime and
    colour space.

    Args:
        config (str | Path): The file.
        options (Sequence[str]): See :func:`read_experiment`.

    Returns:
        Row: The row.

    Raises:
        ValueError: If the config is none of these.
    """
    cfg = read_config(config)
    if 'regime' not in cfg or 'generator' not in cfg.get('model', {}):
        raise ValueError(f'{config} is no config of learned or raw views: it has no regime, or '
                         'no model.generator')
    experiment = read_experiment(config, options)
    generator = cfg.model.generator
    space = generator.get('in_space') or generator.get('space')
    return Row(
        **{field.name: getattr(experiment, field.name) for field in fields(experiment)},
        regime=cfg.regime, space=space, flow=_FLOWS.get(generator.get('coupling'), '–'),
        published=cfg.get('published', {}).get(cfg.regime, {}).get(space, '–'))

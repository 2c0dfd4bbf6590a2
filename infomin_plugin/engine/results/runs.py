"""A measurement: the scores of one run, with all that says where in a table they belong."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .descriptions import Subject
from .initialisations import Initialisation
from .work_dirs import WorkDir


@dataclass(frozen=True)
class Measurement:
    """Scores of one run.

    Attributes:
        subject: What the table is about.
        start: What the run started from: the row.
        seed: Of the run, None if it is not known.
        scores: Percent by column.
        config: Name of the config file.
        shared: Settings that have to be those of the other rows, by dotted key.
        own: Settings that have to be those of the row's other seeds.
        where: Its folder or file, from the folders that were read on.
        trained: Folder of the training, or file, that tells runs of unknown seed apart.
        when: Later measurements of the same replace earlier ones.
        num_classes: Of the model.
    """
    subject: Subject
    start: Initialisation
    seed: int | None
    scores: dict[str, float]
    config: str
    shared: dict[str, Any] = field(repr=False)
    own: dict[str, Any] = field(repr=False)
    where: str
    trained: Path
    when: str
    num_classes: int | None = None


class LeftOut(Exception):
    """A run that cannot stand in a table; says why."""


@dataclass(frozen=True)
class Trained:
    """A training, as its measurements need to know it.

    Attributes:
        config: As it was dumped for the last start.
        first_config: For the first start; a resumed one need not know where weights came from.
        name: Of the config file.
        seed: None if it is not known.
        path: Its work directory, or the one checkpoint that is left.
        began: Time of the first start.
        whole_batch: Images a step of all processes, None if it is not known.
    """
    config: dict[str, Any]
    first_config: dict[str, Any]
    name: str
    seed: int | None
    path: Path
    began: str = ''
    whole_batch: int | None = None

    @classmethod
    def of(cls, work: WorkDir) -> 'Trained':
        """Describe the training of a work directory that has one."""
        first, last = work.training[0], work.training[-1]
        return cls(last.config, first.config, work.config_name(last.config), first.seed,
                   work.path, first.folder.name, last.whole_batch)

"""The paper's tables as data: ``configs/tables/``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import ConfigDict

from ..settings.config_files import read_config
from .launchers import Launcher
from .rows import KINDS, PRETRAIN, TEST, TRAINING, Measure, Row, one_a_key

ALL = 'all'
_TABLE_KEYS = dict(gpus=int, work_dir=str, measures=dict, rows=dict)
_ROW_KEYS = {'method', 'pretrain', 'pretrained', 'options', 'measures', 'changes'}
_MEASURE_KEYS = {'kind', 'config', 'options', 'of'}


@dataclass(frozen=True)
class Table:
    """Rows, and what is measured in each.

    Attributes:
        path: The file.
        root: Folder of the project, that configs are named relative to.
        gpus: Number that the configs are written for; 0 for one process that needs none.
        work_dir: Folder of the runs, if the user names none. Tables that share rows share it, so
            that a trunk is pre-trained once for all of them.
        settings: By the name of a row.
        measures: By name; rows may leave some out or change them.
    """

    path: Path
    root: Path
    gpus: int
    work_dir: Path
    settings: dict[str, ConfigDict]
    measures: dict[str, ConfigDict]

    def measured_in(self, name: str) -> list[str]:
        """Names of what is measured in a row, in order."""
        return list(self.settings[name].get('measures') or self.measures)

    def select(self, names: Sequence[str], only: Sequence[str] = ()) -> list[str]:
        """Check the names of rows, and give those of all that have something to do for ``all``.

        Args:
            names (Sequence[str]): Of rows, or ``['all']``.
            only (Sequence[str]): See :meth:`row`.

        Raises:
            ValueError: If there is no such row or measure, or a row is named twice.
        """
        stages = [PRETRAIN, *self.measures]
        for name in only:
            if name not in stages:
                raise ValueError(f'{self.path} measures no {name!r}, but {", ".join(stages)}')
        if list(names) == [ALL]:
            return [name for name in self.settings if not only or self._asked(name, only)]
        for name in names:
            if name not in self.settings:
                raise ValueError(f'{self.path} has no row {name!r}; it has '
                                 f'{", ".join(self.settings)}')
            if only and not self._asked(name, only):
                raise ValueError(f'the row {name} of {self.path} has none of {", ".join(only)}, '
                                 f'but {", ".join(self._stages_of(name))}')
        if len(set(names)) < len(names):
            raise ValueError(f'a row is named twice: {", ".join(names)}')
        return list(names)

    def row(self, name: str, launcher: Launcher, only: Sequence[str] = (),
            options: Sequence[str] = ()) -> Row:
        """Put a row together.

        Args:
            name (str): One of :meth:`select`.
            launcher (Launcher): How its trainings are started.
            only (Sequence[str]): What to measure, with the training of a test; all if empty.
                ``'pretrain'`` alone stops after the export.
            options (Sequence[str]): Words ``KEY=VALUE`` for every config of the chain, or
                ``STAGE:KEY=VALUE`` for one: ``pretrain`` or the name of a measure. What a training
                is given goes to its tests too.

        Raises:
            ValueError: If a word does not have that form, or its stage is unknown.
        """
        settings = self.settings[name]
        by_stage = self._shared_out(options)
        wanted = set(only) | {self.measures[each].get('of') for each in only if each != PRETRAIN}
        names = [each for each in self.measured_in(name) if not only or each in wanted]
        pretrain = None
        if 'pretrain' in settings:
            words = [*settings.get('options', ()), *by_stage[''], *by_stage.get(PRETRAIN, ())]
            pretrain = Measure(PRETRAIN, TRAINING, settings.pretrain, one_a_key(words))
        return Row(
            name=name, method=settings.method, pretrain=pretrain,
            pretrained=settings.get('pretrained'),
            measures=tuple(self._measure(settings, each, by_stage) for each in names),
            gpus=self.gpus, launcher=launcher, root=self.root)

    def _measure(self, row: ConfigDict, name: str, by_stage: dict[str, list[str]]) -> Measure:
        settings = self.measures[name]
        changes = (row.get('changes') or {}).get(name, {})
        options = [*settings.get('options', ()), *changes.get('options', ())]
        if of := settings.get('of'):
            training = self._measure(row, of, by_stage)
            return Measure(name, TEST, training.config, one_a_key(
                [*training.options, *options, *by_stage.get(name, ())]), of)
        return Measure(
            name, settings.get('kind', TRAINING), changes.get('config') or settings.config,
            one_a_key([*options, *by_stage[''], *by_stage.get(name, ())]))

    def _shared_out(self, options: Sequence[str]) -> dict[str, list[str]]:
        """Words by stage; those for all by the empty name."""
        by_stage = {'': []}
        for word in options:
            key = word.split('=', 1)[0]
            stage = key.split(':', 1)[0] if ':' in key else ''
            if stage and stage != PRETRAIN and stage not in self.measures:
                raise ValueError(f'{word!r} is for {stage!r}, but the stages of {self.path} are '
                                 f'{", ".join([PRETRAIN, *self.measures])}')
            by_stage.setdefault(stage, []).append(word.removeprefix(f'{stage}:') if stage else word)
        return by_stage

    def _asked(self, name: str, only: Sequence[str]) -> bool:
        return not set(only).isdisjoint(self._stages_of(name))

    def _stages_of(self, name: str) -> list[str]:
        return [PRETRAIN] * ('pretrain' in self.settings[name]) + self.measured_in(name)


def read_table(path: str | Path, root: Path) -> Table:
    """Read a file of ``configs/tables/``, or one of the same form.

    It has ``gpus``, ``work_dir``; ``measures``, by name ``dict(kind='training', config=...,
    options=[...])``, see :class:`.Measure`, of a test ``dict(kind='test', of=..., options=[...])``;
    and ``rows``, by name ``dict(method=..., pretrain=CONFIG, options=[...])`` or ``dict(method=...,
    pretrained='random', 'supervised' or a file)``, where ``options`` are those of the pre-training,
    ``measures`` names what is measured, if not all, and ``changes`` has by the name of a measure
    another ``config``, further ``options``, or both.

    Args:
        path (str | Path): The file.
        root (Path): Folder of the project.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it does not have that form.
    """
    cfg = read_config(path)
    for key, kind in _TABLE_KEYS.items():
        if key not in cfg:
            raise ValueError(f'{path} is no table: it has no {key}')
        if not isinstance(cfg[key], kind):
            raise ValueError(f'{path} is no table: {key} must be of type {kind.__name__}, got '
                             f'{cfg[key]!r}')
    for key in ('measures', 'rows'):
        for name, settings in cfg[key].items():
            if not isinstance(settings, dict):
                raise ValueError(f'{path}: {key}[{name!r}] must be a dict, got {settings!r}')
    for name, measure in cfg.measures.items():
        _check_measure(f'{path}: measures[{name!r}]', name, measure, cfg.measures)
    for name, row in cfg.rows.items():
        _check_row(f'{path}: rows[{name!r}]', name, row, cfg.measures)
    return Table(Path(path), root.resolve(), cfg.gpus, Path(cfg.work_dir), dict(cfg.rows),
                 dict(cfg.measures))


def _check_measure(where: str, name: str, measure: ConfigDict, measures: ConfigDict) -> None:
    _check_keys(where, measure, _MEASURE_KEYS)
    if name in (PRETRAIN, ALL):
        raise ValueError(f'{where}: a measure must have another name')
    kind = measure.get('kind', TRAINING)
    if kind not in KINDS:
        raise ValueError(f'{where}: kind must be one of {", ".join(KINDS)}, got {kind!r}')
    if (kind == TEST) != ('of' in measure) or (kind == TEST and 'config' in measure):
        raise ValueError(f'{where}: a test, and only a test, is `of` a training, with its config')
    if kind == TEST:
        training = measures.get(measure.of, {})
        if not training or training.get('kind', TRAINING) != TRAINING:
            raise ValueError(f'{where}: of={measure.of!r} is no training of this table')


def _check_row(where: str, name: str, row: ConfigDict, measures: ConfigDict) -> None:
    _check_keys(where, row, _ROW_KEYS)
    if name == ALL:
        raise ValueError(f'{where}: a row must have another name')
    if 'method' not in row or ('pretrain' in row) == ('pretrained' in row):
        raise ValueError(f'{where} needs a method, and either pretrain or pretrained')
    changes = row.get('changes') or {}
    measured = row.get('measures') or list(measures)
    for each in [*measured, *changes]:
        if each not in measures:
            raise ValueError(f'{where}: {each!r} is none of the measures, {", ".join(measures)}')
    for each in measured:
        measure = measures[each]
        if measure.get('of', each) not in measured:
            raise ValueError(f'{where}: {each} is a test of {measure.of}, which the row leaves out')
        if not ('of' in measure or 'config' in measure or 'config' in changes.get(each, {})):
            raise ValueError(f'{where}: {each} has no config, here or in measures')


def _check_keys(where: str, settings: ConfigDict, known: set[str]) -> None:
    if unknown := sorted(set(settings) - known):
        raise ValueError(f'{where} has {unknown[0]!r}; known are {", ".join(sorted(known))}')

"""Rows of the paper's tables: pre-train, export, and measure what the trunk is good for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ..command_line import configured
from .launchers import Launcher
from .stages import Stages

PRETRAIN, BACKBONE = 'pretrain', 'backbone'
TRAINING, TEST, READ_OUT = KINDS = ('training', 'test', 'read_out')
BATCH = 'train_dataloader.batch_size'
# runs any program in place of the Python that a stage is
_EXEC = ('-c', 'import os, sys; os.execvp(sys.argv[1], sys.argv[1:])')


@dataclass(frozen=True)
class Measure:
    """The pre-training of a row, or something that is measured with its trunk.

    Attributes:
        name: Of the folder of its run.
        kind: ``'training'``, a training that starts from the trunk and validates, such as a
            detector or a linear classifier; ``'test'``, the last checkpoint of such a training
            under other settings; ``'read_out'``, of ``tools/analysis/read_out.py``.
        config: Config file, relative to the root of the project.
        options: Words ``KEY=VALUE``, one a key.
        of: Of a test: the name of its training.
    """

    name: str
    kind: str
    config: str
    options: tuple[str, ...] = ()
    of: str | None = None


@dataclass(frozen=True)
class Command:
    """One link of a chain.

    Attributes:
        name: ``ROW/seedS/STAGE``.
        words: Program and arguments; paths are relative to the root of the project, or absolute.
        config: The settings that a training, test or read-out has.
        processes: That share the work.
    """

    name: str
    words: list[str]
    config: Config | None = None
    processes: int = 1


@dataclass(frozen=True)
class Row:
    """A row of a table; has what :func:`.run_all` needs.

    Attributes:
        name: Of its folder.
        method: As in the table.
        pretrain: None where there is nothing to pre-train.
        pretrained: What it starts from then, as ``tools/train.py --pretrained`` takes it.
        measures: In the order in which they are run; a test comes after its training.
        gpus: Number that the configs are written for. With another one, the batch of a process
            is changed so that the whole batch, and so the schedule, stays what it is.
        launcher: How trainings and tests are started.
        root: Folder of the project.
    """

    name: str
    method: str
    pretrain: Measure | None
    pretrained: str | None
    measures: tuple[Measure, ...]
    gpus: int
    launcher: Launcher
    root: Path

    def commands(self, work_dir: Path, seed: int) -> list[Command]:
        """List the chain of one seed.

        Args:
            work_dir (Path): Runs are in ``ROW/seedS/STAGE`` below it, read-outs in
                ``ROW/seedS/STAGE_scores.json``.
            seed (int): Of every initialisation and order.

        Raises:
            FileNotFoundError: If a config is missing.
            ValueError: If options do not fit a config, or the batch cannot be split evenly.
        """
        chain, folder = [], self._shown(work_dir / self.name / f'seed{seed}')
        if self.pretrain:
            command = self._training(self.pretrain, folder, seed, [])
            checkpoint = f'{folder}/{PRETRAIN}/{last_checkpoint(command.config)}'
            export = ['python', 'tools/export_backbone.py', checkpoint, self._trunk(folder),
                      '--overwrite']
            chain += [command, Command(self._stage(seed, BACKBONE), export)]
        for measure in self.measures:
            if measure.kind == TRAINING:
                chain.append(self._training(
                    measure, folder, seed, ['--pretrained', self._trunk(folder)]))
            elif measure.kind == TEST:
                chain.append(self._test(measure, folder, seed))
            else:
                chain.append(self._read_out(measure, folder, seed))
        return chain

    def run(self, stages: Stages, seed: int) -> dict[str, float]:
        """Run what is not done yet for one seed.

        Args:
            stages (Stages): With the folder of all rows.
            seed (int): See :meth:`commands`.

        Returns:
            dict[str, float]: ``seconds_STAGE``.

        Raises:
            StageError: If a stage fails.
        """
        seconds = {}
        for command in self.commands(stages.folder, seed):
            settings = command.config.pretty_text if command.config else ''
            seconds[f'seconds_{command.name.rsplit("/", 1)[1]}'] = stages.run(
                command.name, _python_words(command.words), settings, command.processes)
        return seconds

    def _training(self, measure: Measure, folder: str, seed: int,
                  trunk: Sequence[str]) -> Command:
        options, cfg = self._settings(measure, seed)
        words = ['--work-dir', f'{folder}/{measure.name}', '--resume', *trunk,
                 '--cfg-options', *options]
        stage = self._stage(seed, measure.name)
        return Command(stage, self.launcher.train(_job(stage), measure.config, words), cfg,
                       self.launcher.processes)

    def _test(self, measure: Measure, folder: str, seed: int) -> Command:
        options, cfg = self._settings(measure, seed)
        words = ['--work-dir', f'{folder}/{measure.name}', '--cfg-options', *options]
        stage = self._stage(seed, measure.name)
        checkpoint = f'{folder}/{measure.of}/{last_checkpoint(cfg)}'
        return Command(
            stage, self.launcher.test(_job(stage), measure.config, checkpoint, words), cfg,
            self.launcher.processes)

    def _read_out(self, measure: Measure, folder: str, seed: int) -> Command:
        cfg = self._config(measure, measure.options)
        words = ['tools/analysis/read_out.py', measure.config, '--pretrained',
                 self._trunk(folder), '--seed', str(seed), '--out',
                 f'{folder}/{measure.name}_scores.json']
        if measure.options:
            words += ['--cfg-options', *measure.options]
        stage = self._stage(seed, measure.name)
        return Command(stage, self.launcher.measure(_job(stage), words), cfg)

    def _settings(self, measure: Measure, seed: int) -> tuple[tuple[str, ...], Config]:
        """Options of a training or test, and its config with them."""
        options = one_a_key([f'randomness.seed={seed}', *measure.options])
        cfg = self._config(measure, options)
        processes = self.launcher.processes
        written_for = max(self.gpus, 1)
        if measure.kind != TEST and processes != written_for and not any(
                word.startswith(f'{BATCH}=') for word in options):
            batch = cfg.train_dataloader.batch_size * written_for
            if batch % processes:
                raise ValueError(f'{measure.config}: its batch of {batch} cannot be split evenly '
                                 f'over {processes} GPUs')
            options = (*options, f'{BATCH}={batch // processes}')
            cfg = self._config(measure, options)
        return options, cfg

    def _config(self, measure: Measure, options: Sequence[str]) -> Config:
        return configured(self.root / measure.config, options)

    def _trunk(self, folder: str) -> str:
        return self.pretrained or f'{folder}/{BACKBONE}.pth'

    def _stage(self, seed: int, name: str) -> str:
        return f'{self.name}/seed{seed}/{name}'

    def _shown(self, path: Path) -> str:
        path = path.resolve()
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


def last_checkpoint(cfg: Config) -> str:
    """Name the file of the checkpoint that a training ends with.

    Raises:
        ValueError: If the config does not say when it ends.
    """
    length = cfg.get('train_cfg')
    for unit in ('iter', 'epoch'):
        if isinstance(length, dict) and f'max_{unit}s' in length:
            return f'{unit}_{length[f"max_{unit}s"]}.pth'
    raise ValueError(f'{cfg.filename}: train_cfg has no max_epochs or max_iters: {length!r}')


def one_a_key(words: Sequence[str]) -> tuple[str, ...]:
    """Leave one word ``KEY=VALUE`` a key, where the key comes first, with the value of the last.

    Raises:
        ValueError: If a word has no ``=``.
    """
    for word in words:
        if '=' not in word:
            raise ValueError(f'{word!r} has no "=": settings are given as KEY=VALUE')
    return tuple({word.split('=', 1)[0]: word for word in words}.values())


def _python_words(words: Sequence[str]) -> list[str]:
    """What to give to Python, in place of a command."""
    return list(words[1:]) if words[0] == 'python' else [*_EXEC, *words]


def _job(stage: str) -> str:
    return stage.replace('/', '-')

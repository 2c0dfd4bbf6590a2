"""Experiments of several stages: learn views, contrast them, measure what came of it."""

import json
import statistics
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ..command_line import configured
from ..measures.read_out import ERROR
from ..results.scalars import read_scalars
from ..settings.config_files import read_config
from .rows import last_checkpoint
from .stages import StageError, Stages

LEARNING, CONTRAST, READ_OUT = 'learning', 'contrast', 'read_out'
INFORMATION = 'mutual_information'
I_NCE = 'i_nce'

# by (experiment's name, seed)
Results = dict[tuple[str, int], dict[str, float]]


@dataclass(frozen=True)
class Experiment:
    """A training, the one of its views before it if they are learned, and its measurements.

    Attributes:
        name: Of its folder.
        learning: Config file that learns the views; None where they are given.
        contrast: Config file that learns features of the views.
        options: Words ``KEY=VALUE`` for each of these two.
    """

    name: str
    learning: Path | None
    contrast: Path
    options: dict[str, tuple[str, ...]]

    def config(self, stage: str) -> Config:
        """Return the config of a stage with the options that go to it."""
        return configured(self.contrast if stage == CONTRAST else self.learning,
                          self.options[stage])

    def checkpoint(self, folder: Path, stage: str) -> Path:
        """Name the last checkpoint of a stage in a seed's folder."""
        return folder / stage / last_checkpoint(self.config(stage))

    def run(self, stages: Stages, seed: int) -> dict[str, float]:
        """Run what is not done yet for one seed and return what was measured.

        Args:
            stages (Stages): With the folder of all experiments; a seed's results are in
                ``NAME/seedS/{learning,contrast}`` below it.
            seed (int): Of every initialisation and order.

        Returns:
            dict[str, float]: ``accuracy_NAME`` in percent by test set (see :func:`.read_out`; of
            vectors ``error_NAME``); ``i_nce_contrast`` and, for learned views, ``i_nce_learning``
            in nats, at the end of each that logs it; where the config of the contrast has
            ``mutual_information`` all of :class:`MutualInformation`, measured on held-out images,
            as ``held_out_NAME``; ``seconds_STAGE``.

        Raises:
            StageError: If a stage fails.
        """
        folder = (stages.folder / self.name / f'seed{seed}').resolve()
        seconds, options = {}, list(self.options[CONTRAST])
        if self.learning:
            seconds[LEARNING] = self._train(stages, seed, LEARNING, self.options[LEARNING])
            options.append('model.generator.init_cfg.checkpoint='
                           f'{self.checkpoint(folder, LEARNING)}')
        seconds[CONTRAST] = self._train(stages, seed, CONTRAST, options)
        logged = {f'{I_NCE}_{stage}': last_logged(folder / stage, I_NCE) for stage in seconds}
        found = {name: value for name, value in logged.items() if value is not None}
        for stage in (READ_OUT, INFORMATION):
            if self.config(CONTRAST).get(stage) is not None:
                seconds[stage], values = self._measure(stages, seed, folder, stage)
                found |= {_result_name(stage, name): value for name, value in values.items()}
        return found | {f'seconds_{stage}': time for stage, time in seconds.items()}

    def _train(self, stages: Stages, seed: int, stage: str, options: Sequence[str]) -> float:
        name = f'{self.name}/seed{seed}/{stage}'
        config = self.learning if stage == LEARNING else self.contrast
        return stages.run(
            name, ['tools/train.py', config, '--work-dir', (stages.folder / name).resolve(),
                   '--resume', *_with_options([f'randomness.seed={seed}', *options])],
            settings=self.config(stage).pretty_text)

    def _measure(self, stages: Stages, seed: int, folder: Path,
                 stage: str) -> tuple[float, dict[str, float]]:
        out = folder / f'{stage}_scores.json'
        seconds = stages.run(
            f'{self.name}/seed{seed}/{stage}',
            [f'tools/analysis/{stage}.py', self.contrast, self.checkpoint(folder, CONTRAST),
             '--out', out, *_with_options(self.options[CONTRAST])],
            settings=str(self.config(CONTRAST)[stage]))
        found = json.loads(out.read_text())
        return seconds, found['scores'] if stage == READ_OUT else found


def read_experiment(config: str | Path, options: Sequence[str] = (),
                    name: str | None = None) -> Experiment:
    """Read an experiment off a config.

    A config that learns views names in ``contrast`` the config that goes on with them, relative to
    itself; one without it trains on views that are given.

    Args:
        config (str | Path): The file.
        options (Sequence[str]): Words ``KEY=VALUE``; those that begin with ``learning.`` or
            ``contrast.`` go to that stage, without the beginning, the others to both.
        name (str, optional): Of the experiment. Defaults to the file's.

    Raises:
        ValueError: If the config goes on with views that another config learns.
    """
    path = Path(config).resolve()
    cfg = read_config(path)
    following = cfg.get('contrast')
    if not following and (cfg.model.get('generator') or {}).get('init_cfg'):
        raise ValueError(f'{config} goes on with views that another config learns: give that one')
    return Experiment(
        name=name or path.stem, learning=path if following else None,
        contrast=path.parent / following if following else path, options=_shared_out(options))


def run_all(experiments: Sequence[Experiment], stages: Stages, seeds: Sequence[int], jobs: int,
            report: Callable[[Results], None] = lambda results: None) -> tuple[Results, list[str]]:
    """Run all seeds of all experiments; one that fails does not stop the others.

    Args:
        experiments (Sequence[Experiment]): With names that differ.
        stages (Stages): See :meth:`Experiment.run`.
        seeds (Sequence[int]): Of each; the first seed of all comes first.
        jobs (int): Runs at a time.
        report (Callable): Called with all results so far whenever a run ends.

    Returns:
        tuple: Results, and the failures in words.
    """
    results, failures = {}, []
    with ThreadPoolExecutor(jobs) as pool:
        # seed by seed, so that what is unfinished has whole seeds
        runs = {pool.submit(experiment.run, stages, seed): (experiment.name, seed)
                for seed in seeds for experiment in experiments}
        for future in as_completed(runs):
            try:
                results[runs[future]] = future.result()
            except (StageError, OSError, ValueError) as error:
                failures.append(str(error))
                print(f'== FAILED: {error}', file=sys.stderr, flush=True)
            except Exception:
                # a defect of ours: shown now, not when the other runs have ended
                traceback.print_exc()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            report(results)
    return results, failures


def last_logged(work_dir: Path, name: str) -> float | None:
    """Return the last value of a scalar that a run logged, over all its resumed parts, if any.

    Raises:
        ValueError: If it logged nothing at all.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'), reverse=True)  # named by time
    if not logs:
        raise ValueError(f'{work_dir} has no logs')
    for log in logs:
        for values in reversed(read_scalars(log)):
            if name in values:
                return float(values[name])
    return None


def summarise(results: Sequence[dict[str, float]]) -> dict[str, tuple[float, float | None]]:
    """Mean and standard deviation over seeds of all that was measured.

    Returns:
        dict: By name (mean, deviation with n - 1, or None for a single seed).
    """
    found = {}
    for name in dict.fromkeys(key for result in results for key in result):
        values = [result[name] for result in results if name in result]
        spread = statistics.stdev(values) if len(values) > 1 else None
        found[name] = statistics.fmean(values), spread
    return found


def mean_and_deviation(value: tuple[float, float | None] | None, digits: int) -> str:
    """Write one entry of :func:`summarise` as a cell of a table."""
    if value is None:
        return '–'
    mean, spread = value
    return f'{mean:.{digits}f}' + (f' ± {spread:.{digits}f}' if spread is not None else '')


def _result_name(stage: str, name: str) -> str:
    if stage == INFORMATION:
        return f'held_out_{name}'
    if name.endswith(f' {ERROR}'):
        return f'{ERROR}_{name.removesuffix(f" {ERROR}")}'
    return f'accuracy_{name}'


def _shared_out(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Words for each stage, without the name of the stage."""
    return {stage: tuple(word.removeprefix(f'{stage}.') for word in options
                         if not word.startswith(f'{other}.'))
            for stage, other in ((LEARNING, CONTRAST), (CONTRAST, LEARNING))}


def _with_options(options: Sequence[str]) -> list[str]:
    return ['--cfg-options', *options] if options else []

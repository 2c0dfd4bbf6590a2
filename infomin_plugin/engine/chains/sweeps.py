"""A number of the views is varied: what they share, and what their features are good for."""

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from infomin_plugin.evaluation.peak import Peak, fit_peak

from ..settings.config_files import read_config
from .experiments import CONTRAST, INFORMATION, LEARNING, Experiment, Results, read_experiment

SHARED = 'held_out_i_nce'  # the axis of all curves, nats
ACCURACY = 'accuracy_'


@dataclass(frozen=True)
class Sweep:
    """Experiments along one varied number.

    Attributes:
        label: What is varied, in words.
        keys: Config keys that get the value.
        experiments: By the varied value, as text.
    """

    label: str
    keys: tuple[str, ...]
    experiments: dict[str, Experiment]


def read_sweep(config: str | Path, options: Sequence[str] = (), keys: Sequence[str] = (),
               values: Sequence[str] = ()) -> Sweep:
    """Read a sweep off a config of ``configs/sweet_spot/``, or vary a key of another one.

    Such a config has ``sweep = dict(keys=[...], values=[...], label=...)`` and, itself or where
    ``contrast`` leads to, ``mutual_information``.

    Args:
        config (str | Path): The file.
        options (Sequence[str]): Words ``KEY=VALUE``, see :func:`read_experiment`.
        keys (Sequence[str]): Keys to vary, all with the same value; those of the config if empty.
            ``learning.`` or ``contrast.`` before one sends it to that stage.
        values (Sequence[str]): Values to try; those of the config if empty.

    Returns:
        Sweep: The sweep.

    Raises:
        ValueError: If there is nothing to vary, a key is not in the config, a value is named twice
            or nothing measures what the views share.
    """
    settings = read_config(config).get('sweep') or {}
    chosen = tuple(keys or settings.get('keys', ()))
    values = [str(value) for value in (values or settings.get('values', ()))]
    if not chosen or not values:
        raise ValueError(f'{config} has no sweep: give --vary KEY and --values VALUE …')
    if len(set(values)) < len(values):
        raise ValueError(f'values must differ, got {values}')
    label = settings.get('label') if chosen == tuple(settings.get('keys', ())) else chosen[0]
    experiments = {}
    for value in values:
        words = [f'{key}={value}' for key in chosen]
        experiments[value] = read_experiment(config, [*options, *words], name=folder_name(value))
    if len({experiment.name for experiment in experiments.values()}) < len(values):
        raise ValueError(f'values must differ in more than punctuation, got {values}')
    base = read_experiment(config, options)
    _check_keys(base, chosen)
    if base.config(CONTRAST).get(INFORMATION) is None:
        raise ValueError(f'{base.contrast} has no mutual_information: which images are held out '
                         'to measure what the views share')
    return Sweep(label, chosen, experiments)


def folder_name(value: str) -> str:
    """Name the folder of a value: letters, digits and what numbers are written with."""
    return 'value_' + re.sub(r'[^\w.+-]+', '-', value).strip('-')


def _check_keys(experiment: Experiment, keys: Sequence[str]) -> None:
    stages = [CONTRAST] + [LEARNING] * (experiment.learning is not None)
    for key in keys:
        mine = [stage for stage in stages if key.startswith(f'{stage}.')]
        path = key.removeprefix(f'{mine[0]}.') if mine else key
        if not any(_has(experiment.config(stage), path) for stage in mine or stages):
            raise ValueError(f'the config has no key {key!r} to vary')


def _has(cfg: Config, path: str) -> bool:
    found = cfg
    for word in path.split('.'):
        try:
            found = found[int(word) if isinstance(found, list | tuple) else word]
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):
            return False
    return True


def runs_of(sweep: Sweep, results: Results) -> list[dict]:
    """List what was measured, a dict a run: ``value``, ``seed`` and all results, in order."""
    return [dict(value=value, seed=seed, **results[name, seed])
            for value, experiment in sweep.experiments.items()
            for name, seed in sorted(results) if name == experiment.name]


def tasks_of(runs: Sequence[dict]) -> list[str]:
    """Names of the downstream tasks whose accuracies were measured."""
    return list(dict.fromkeys(key.removeprefix(ACCURACY) for run in runs for key in run
                              if key.startswith(ACCURACY)))


def peaks_of(runs: Sequence[dict]) -> dict[str, Peak]:
    """Fit the peak of each task's accuracy over I_NCE."""
    return {task: fit_peak([run[SHARED] for run in runs],
                           [run[ACCURACY + task] for run in runs],
                           [run['value'] for run in runs]) for task in tasks_of(runs)}


def write_results(folder: Path, sweep: Sweep, runs: Sequence[dict], about: dict) -> None:
    """Write ``sweep.json`` (all, with the peaks) and ``sweep.csv`` (a line a run).

    Args:
        folder (Path): Where to.
        sweep (Sweep): What was varied.
        runs (Sequence[dict]): See :func:`runs_of`; at least one.
        about (dict): What else the JSON file says.
    """
    peaks = {task: _without_nan(peak._asdict()) for task, peak in peaks_of(runs).items()}
    content = about | dict(label=sweep.label, keys=sweep.keys, peaks=peaks, runs=list(runs))
    (folder / 'sweep.json').write_text(json.dumps(content, indent=1))
    columns = list(dict.fromkeys(key for run in runs for key in run))
    with (folder / 'sweep.csv').open('w', newline='') as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(runs)


def _without_nan(values: dict) -> dict:
    """JSON has no NaN."""
    return {key: None if isinstance(value, float) and math.isnan(value) else
            [None if math.isnan(item) else item for item in value] if isinstance(value, tuple)
            else value for key, value in values.items()}

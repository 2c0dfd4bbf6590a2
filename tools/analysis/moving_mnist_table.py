"""The table of Colorful Moving-MNIST: what views share decides what is learned.

Rows of the contrast come from one of configs/sweet_spot/moving-mnist_*.py, a row for each set of
shared factors; those of moving-mnist-supervised-*_*.py make one row together. What is finished is
not run again and what was killed goes on, so the same command continues a table. Writes table.json
and table.md to the work dir.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment

ROOT = Path(__file__).resolve().parents[2]
SUPERVISED = 'supervised'
# What is measured, the title of its column, and how it is made an error
COLUMNS = {
    'held_out_i_nce': ('I_NCE, nats', lambda value: value),
    'accuracy_digit test': ('digit, error %', lambda value: 100 - value),
    'accuracy_background test': ('background, error %', lambda value: 100 - value),
    'error_position test': ('position, error px', lambda value: value),
}


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', metavar='CONFIG',
                        help='configs/sweet_spot/moving-mnist*.py of one data set')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0],
                        help='seeds of every row (default: 0)')
    parser.add_argument('--work-dir', type=Path, required=True, help='folder of runs and table')
    parser.add_argument('--jobs', type=int, default=1,
                        help='runs at a time; they share the cores (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs must be at least 1, got {args.jobs}')
    if len(set(args.seeds)) < len(args.seeds):
        parser.error('a seed is named twice')
    return args


def read_rows(configs: Sequence[str], options: Sequence[str]) -> dict[str, list[tuple]]:
    """Experiments of each row, with the columns that each fills, by the row's name.

    Raises:
        ValueError: If a config is neither a sweep over shared factors nor supervised.
    """
    from infomin_plugin.engine.chains.experiments import read_experiment
    from infomin_plugin.engine.chains.sweeps import read_sweep
    from infomin_plugin.engine.settings.config_files import read_config

    rows = {}
    for config in configs:
        factor = read_config(config).model.get('factor')
        if factor is None:
            sweep = read_sweep(config, options)
            rows |= {value: [(experiment, tuple(COLUMNS))]
                     for value, experiment in sweep.experiments.items()}
        else:
            mine = tuple(name for name in COLUMNS if f'_{factor} ' in name)
            experiment = read_experiment(config, options, f'{SUPERVISED}_{factor}')
            rows.setdefault(SUPERVISED, []).append((experiment, mine))
    return rows


def write_table(rows: dict, results: dict, published: dict, work: Path, about: dict) -> None:
    """Write table.json and table.md and print the latter."""
    from infomin_plugin.engine.chains.experiments import mean_and_deviation, summarise

    entries = []
    lines = ['# Colorful Moving-MNIST', '',
             f'`{about["command"]}`: mean ± standard deviation over seeds '
             f'{", ".join(map(str, about["seeds"]))}. Errors of linear read-outs of view 1.', '',
             '| shared | ' + ' | '.join(title for title, _ in COLUMNS.values())
             + ' | published pattern (recalled) |', '|' + '---|' * (len(COLUMNS) + 2)]
    for row, experiments in rows.items():
        seeds = {}
        for experiment, names in experiments:
            for (name, seed), values in sorted(results.items()):
                if name == experiment.name:
                    seeds.setdefault(seed, {}).update(
                        {key: COLUMNS[key][1](values[key]) for key in names if key in values})
        summary = summarise(list(seeds.values()))
        entries.append(dict(shared=row, seeds=seeds, summary=summary,
                            published=published.get(row, '–')))
        cells = [mean_and_deviation(summary.get(name), 2 if name.startswith('held') else 1)
                 for name in COLUMNS]
        lines.append('| ' + ' | '.join([row, *cells, published.get(row, '–')]) + ' |')
    (work / 'table.json').write_text(json.dumps(about | dict(
        columns={name: title for name, (title, _) in COLUMNS.items()}, rows=entries), indent=1))
    (work / 'table.md').write_text('\n'.join([*lines, '']))
    print('\n'.join(lines))


def main(argv: Sequence[str] | None = None) -> None:
    """Run and tabulate."""
    args = parse_args(argv)
    check_environment()

    from infomin_plugin.engine.chains.experiments import run_all
    from infomin_plugin.engine.chains.stages import StageError, Stages
    from infomin_plugin.engine.settings.config_files import read_config

    try:
        rows = read_rows(args.configs, args.cfg_options)
        published = read_config(args.configs[0]).get('published', {})
        stages = Stages(args.work_dir, ROOT, threads=max(1, os.cpu_count() // args.jobs))
    except (OSError, ValueError, StageError) as error:
        sys.exit(f'error: {error}')
    experiments = [experiment for row in rows.values() for experiment, _ in row]
    results, failures = run_all(experiments, stages, args.seeds, args.jobs)
    write_table(rows, results, published, args.work_dir,
                dict(command=shlex.join(['python', *sys.argv]), seeds=args.seeds))
    if failures:
        sys.exit(f'{len(failures)} of {len(experiments) * len(args.seeds)} runs failed; the same '
                 'command goes on from there')


if __name__ == '__main__':
    main()

"""Draw the curve of accuracy against what the views share: the sweet spot, if there is one.

CONFIG is one of configs/sweet_spot/, which say what is varied and where, or another one with
mutual_information and read_out, and --vary and --values. Each value is trained, measured and read
out with each seed. What is finished is not run again and what was killed goes on, so the same
command continues a sweep. Writes sweep.json, sweep.csv, sweep.md and sweep.png to the work dir.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment

ROOT = Path(__file__).resolve().parents[2]


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', metavar='CONFIG', help='such as those of configs/sweet_spot/')
    parser.add_argument('--vary', nargs='+', metavar='KEY', default=[],
                        help="keys that get the value (default: those of the config's sweep)")
    parser.add_argument('--values', nargs='+', metavar='VALUE', default=[],
                        help="values to try (default: those of the config's sweep)")
    parser.add_argument('--seeds', nargs='+', type=int, default=[0],
                        help='seeds of every value (default: 0)')
    parser.add_argument('--work-dir', type=Path, help='folder of runs and results; '
                        'default: work_dirs/sweet_spot/<name of the config>')
    parser.add_argument('--jobs', type=int, default=1,
                        help='runs at a time; they share the cores (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR; learning.KEY and '
                        'contrast.KEY for one stage where views are learned')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs must be at least 1, got {args.jobs}')
    if len(set(args.seeds)) < len(args.seeds):
        parser.error('a seed is named twice')
    return args


def write_table(folder: Path, sweep, runs: list[dict], about: dict) -> None:
    """Write sweep.md and print it: a line a value, then what the data say of a peak."""
    from infomin_plugin.engine.chains.experiments import mean_and_deviation, summarise
    from infomin_plugin.engine.chains.sweeps import ACCURACY, SHARED, peaks_of, tasks_of

    tasks = tasks_of(runs)
    lines = [f'# {sweep.label}', '', f'`{about["command"]}`', '',
             '| ' + ' | '.join([sweep.label, 'seeds', 'I_NCE, nats', 'ceiling',
                                *(f'{task}, %' for task in tasks)]) + ' |',
             '|' + '---|' * (4 + len(tasks))]
    for value in sweep.experiments:
        found = [run for run in runs if run['value'] == value]
        if not found:
            continue
        summary = summarise([{key: number for key, number in run.items()
                              if key not in ('value', 'seed')} for run in found])
        saturated = ' (saturated)' if any(run['held_out_saturated'] for run in found) else ''
        cells = [value, str(len(found)), mean_and_deviation(summary[SHARED], 2) + saturated,
                 f'{found[0]["held_out_ceiling"]:.2f}',
                 *(mean_and_deviation(summary[ACCURACY + task], 1) for task in tasks)]
        lines.append('| ' + ' | '.join(cells) + ' |')
    lines.append('')
    for task, peak in peaks_of(runs).items():
        lines.append(f'- {task}: ' + (
            f'peak at {peak.location:.2f} nats (95%: {peak.low:.2f} to {peak.high:.2f}), '
            f'{peak.height:.1f}%' if peak.supported else f'no peak: {peak.reason}'))
    lines += ['', '![sweep](sweep.png)', '']
    (folder / 'sweep.md').write_text('\n'.join(lines))
    print('\n'.join(lines))


def draw(folder: Path, sweep, runs: list[dict]) -> None:
    """Write sweep.png."""
    from infomin_plugin.engine.chains.experiments import summarise
    from infomin_plugin.engine.chains.sweeps import ACCURACY, SHARED, peaks_of, tasks_of
    from infomin_plugin.visualization.sweeps import CurvePoint, draw_sweep

    curves = {task: [] for task in tasks_of(runs)}
    for value in sweep.experiments:
        found = [run for run in runs if run['value'] == value]
        for task in curves if found else ():
            names = SHARED, ACCURACY + task
            summary = summarise([{name: run[name] for name in names} for run in found])
            i_nce, accuracy = ((mean, spread or 0.0) for mean, spread in
                               (summary[name] for name in names))
            curves[task].append(CurvePoint(value, i_nce, accuracy, found[0]['held_out_ceiling']))
    draw_sweep(curves, peaks_of(runs), sweep.label, folder / 'sweep.png')


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate and draw."""
    args = parse_args(argv)
    check_environment()

    from infomin_plugin.engine.chains.experiments import run_all
    from infomin_plugin.engine.chains.stages import StageError, Stages
    from infomin_plugin.engine.chains.sweeps import read_sweep, runs_of, write_results

    folder = args.work_dir or Path('work_dirs', 'sweet_spot', Path(args.config).stem)
    about = dict(command=shlex.join(['python', *sys.argv]), seeds=args.seeds)
    try:
        sweep = read_sweep(args.config, args.cfg_options, args.vary, args.values)
        stages = Stages(folder, ROOT, threads=max(1, os.cpu_count() // args.jobs))
    except (OSError, ValueError, StageError) as error:
        sys.exit(f'error: {error}')
    results, failures = run_all(
        list(sweep.experiments.values()), stages, args.seeds, args.jobs,
        report=lambda done: done and write_results(folder, sweep, runs_of(sweep, done), about))
    if results:
        runs = runs_of(sweep, results)
        write_table(folder, sweep, runs, about)
        draw(folder, sweep, runs)
    if failures:
        sys.exit(f'{len(failures)} of {len(sweep.experiments) * len(args.seeds)} runs failed; the '
                 'same command goes on from there')


if __name__ == '__main__':
    main()

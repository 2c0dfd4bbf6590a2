"""The table of learned views: learn them, freeze them, contrast them, read the features out.

Each CONFIG is a row: one that learns views (unsupervised, semi-supervised, supervised), or one that
contrasts raw ones. Every stage is a command of this project; what is finished is not run again, and
what was killed goes on, so the same command continues a table. Writes table.json, table.md and
views.png to the work dir.
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
PICTURES = 2  # images in views.png


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', metavar='CONFIG',
                        help='configs of configs/view_learning/')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0],
                        help='seeds of every row (default: 0)')
    parser.add_argument('--work-dir', type=Path, required=True,
                        help='folder of runs, table and picture')
    parser.add_argument('--jobs', type=int, default=1,
                        help='runs at a time; they share the cores (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR; learning.KEY and '
                        'contrast.KEY for one of the two stages')
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs must be at least 1, got {args.jobs}')
    names = [Path(config).stem for config in args.configs]
    if len(set(names)) < len(names) or len(set(args.seeds)) < len(args.seeds):
        parser.error('a config or a seed is named twice')
    return args


def write_table(rows: list, results: dict, failures: list[str], work: Path, about: dict) -> None:
    """Write table.json and table.md and print the latter."""
    from infomin_plugin.engine.chains.experiments import mean_and_deviation, summarise

    entries = []
    for row in rows:
        by_seed = {seed: values for (name, seed), values in sorted(results.items())
                   if name == row.name}
        entries.append(dict(
            name=row.name, views=row.regime, input=row.space, flow=row.flow,
            published=row.published, seeds=by_seed, summary=summarise(list(by_seed.values()))))
    (work / 'table.json').write_text(
        json.dumps(about | dict(failures=failures, rows=entries), indent=1))

    tests = dict.fromkeys(name for entry in entries for name in entry['summary']
                          if name.startswith('accuracy_'))
    columns = {'i_nce_learning': ('I_NCE, game', 2), 'i_nce_contrast': ('I_NCE, frozen', 2)}
    columns |= {name: (f'{name.removeprefix("accuracy_")}, %', 1) for name in tests}
    header = ['views', 'input', 'flow', *(title for title, _ in columns.values()),
              'published, STL-10 (recalled)', 'minutes']
    lines = ['# Learned views', '',
             f'`{about["command"]}`, seeds {", ".join(map(str, about["seeds"]))}: mean ± standard '
             'deviation over seeds. I_NCE in nats: at the end of view learning, and of the '
             'contrast of the frozen views. Accuracy of a linear classifier on frozen features. '
             'Minutes: one seed, all stages.', '',
             '| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header)]
    for entry in entries:
        summary = entry['summary']
        cells = [mean_and_deviation(summary.get(name), digits)
                 for name, (_, digits) in columns.items()]
        minutes = sum(mean for name, (mean, _) in summary.items()
                      if name.startswith('seconds_')) / 60
        lines.append('| ' + ' | '.join([entry['views'], entry['input'], entry['flow'], *cells,
                                        entry['published'], f'{minutes:.1f}']) + ' |')
    lines += ['', *(f'FAILED: {failure.splitlines()[0]}' for failure in failures), '',
              '![views](views.png)', '']
    (work / 'table.md').write_text('\n'.join(lines))
    print('\n'.join(lines))


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate and draw."""
    args = parse_args(argv)
    check_environment()

    from infomin_plugin.engine.chains.experiments import run_all
    from infomin_plugin.engine.chains.stages import StageError, Stages
    from infomin_plugin.engine.chains.view_learning_pictures import draw_rows
    from infomin_plugin.engine.chains.view_learning_rows import read_row

    try:
        rows = [read_row(config, args.cfg_options) for config in args.configs]
        stages = Stages(args.work_dir, ROOT, threads=max(1, os.cpu_count() // args.jobs))
    except (OSError, ValueError, StageError) as error:
        sys.exit(f'error: {error}')
    results, failures = run_all(rows, stages, args.seeds, args.jobs)
    about = dict(command=shlex.join(['python', *sys.argv]), seeds=args.seeds)
    write_table(rows, results, failures, args.work_dir, about)
    drawn = [row for row in rows if (row.name, args.seeds[0]) in results]
    if drawn:
        draw_rows(drawn, args.work_dir, args.seeds[0], PICTURES, args.work_dir / 'views.png')
    if failures:
        sys.exit(f'{len(failures)} of {len(rows) * len(args.seeds)} runs failed; the same command '
                 'goes on from there')


if __name__ == '__main__':
    main()

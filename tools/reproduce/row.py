"""Print, or run, all that makes a row of one of the paper's tables.

TABLE is one of configs/tables/. The chain of a row is pre-train, export, and each thing that is
measured: one command each, which may be copied. With --run they are run one after another; what is
finished is not run again and what was killed goes on, so the same command continues a row.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGEST_SEED = 2**32 - 1  # numpy's


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('table', metavar='TABLE', help='such as those of configs/tables/')
    parser.add_argument('rows', nargs='*', metavar='ROW', help="names of rows, or 'all'")
    parser.add_argument('--list', action='store_true', help='print the rows of TABLE and leave')
    parser.add_argument('--run', action='store_true', help='run the commands')
    parser.add_argument('--seeds', '--seed', nargs='+', type=int, default=[0], metavar='SEED',
                        help='seeds of every row (default: 0)')
    parser.add_argument('--only', nargs='+', metavar='MEASURE', default=[],
                        help="what to measure (default: all); 'pretrain' for nothing")
    parser.add_argument('--work-dir', type=Path,
                        help="folder of the runs (default: the table's); tables that share rows "
                        'share it')
    parser.add_argument('--gpus', type=int,
                        help='GPUs of a training, 0 for none (default: as many as the configs of '
                        'the table are written for); the whole batch stays what it is')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'],
                        help="default: 'pytorch' for several GPUs, else 'none'")
    parser.add_argument('--partition', help='of Slurm')
    parser.add_argument('--jobs', type=int, default=1,
                        help='rows at a time, without GPUs or under Slurm (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', metavar='[STAGE:]KEY=VALUE', default=[],
                        help='override settings of every config of the chain, or of one: '
                        'pretrain:data_root=DIR, or a MEASURE in place of pretrain')
    args = parser.parse_args(argv)
    if not args.rows and not args.list:
        parser.error('give a ROW, or --list to see them')
    if args.jobs < 1:
        parser.error(f'--jobs must be at least 1, got {args.jobs}')
    if len(set(args.seeds)) < len(args.seeds):
        parser.error('a seed is named twice')
    for seed in args.seeds:
        if not 0 <= seed <= LARGEST_SEED:
            parser.error(f'a seed must be from 0 to {LARGEST_SEED}, got {seed}')
    return args


def print_rows(table) -> None:
    """Print the name and method of each row, and what is measured."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE)
    shown.add_column('row', no_wrap=True)  # to be copied
    for title in ('method', 'measures'):
        shown.add_column(title, overflow='fold')
    for name, row in table.settings.items():
        shown.add_row(name, row.method, ' '.join(table.measured_in(name)))
    Console().print(shown)


def require_gpus(launcher) -> None:
    """Refuse to start on a machine that has fewer GPUs than a training is to have."""
    import torch

    found = torch.cuda.device_count()
    if launcher.partition is None and found < launcher.gpus:
        raise ValueError(f'a training is to have {launcher.gpus} GPUs, this machine has {found}: '
                         f'give --gpus {found}, or --launcher slurm --partition P')


def main(argv: Sequence[str] | None = None) -> None:
    """Print the commands or run them."""
    args = parse_args(argv)

    from infomin_plugin.engine.chains.experiments import run_all
    from infomin_plugin.engine.chains.launchers import NONE, PYTORCH, SLURM, Launcher
    from infomin_plugin.engine.chains.stages import Stages
    from infomin_plugin.engine.chains.tables import read_table

    try:
        table = read_table(args.table, ROOT)
        if args.list:
            print_rows(table)
            return
        gpus = table.gpus if args.gpus is None else args.gpus
        launcher = Launcher(
            args.launcher or (PYTORCH if gpus > 1 else NONE), gpus, args.partition)
        if args.jobs > 1 and launcher.gpus and launcher.kind != SLURM:
            raise ValueError(f'--jobs {args.jobs}: rows would share the GPUs of this machine')
        rows = [table.row(name, launcher, args.only, args.cfg_options)
                for name in table.select(args.rows, args.only)]
        work_dir = args.work_dir or table.work_dir
        # all of them before the first is run, so that what is wrong shows at once
        commands = [command for seed in args.seeds for row in rows
                    for command in row.commands(work_dir, seed)]
        if not args.run:
            for command in commands:
                print(f'# {command.name}\n{shlex.join(command.words)}')
            return
        require_gpus(launcher)
        # under Slurm a job has other cores than this machine
        threads = None if launcher.kind == SLURM else max(1, os.cpu_count() // args.jobs)
        stages = Stages(work_dir, ROOT, threads, shared=True)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    _, failures = run_all(rows, stages, args.seeds, args.jobs)
    if failures:
        sys.exit(f'{len(failures)} of {len(rows) * len(args.seeds)} chains failed; the same '
                 'command goes on from there')


if __name__ == '__main__':
    main()

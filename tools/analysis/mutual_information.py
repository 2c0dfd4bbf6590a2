"""Estimate how much the views of a trained model share, I_NCE in nats, on held-out images."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of the run, with mutual_information')
    parser.add_argument('checkpoint', type=Path, help='of the run')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch passes this
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_environment()

    from infomin_plugin.checkpoints.files import writing_aside
    from infomin_plugin.engine.command_line import configured, without_traceback
    from infomin_plugin.engine.faults.storage import check_result_file
    from infomin_plugin.engine.measures.mutual_information import measure_mutual_information
    from infomin_plugin.engine.runner.launch import start

    start(args.launcher)
    with without_traceback():
        cfg = configured(args.config, args.cfg_options)
        if args.out:
            check_result_file(args.out, '--out')
        found = measure_mutual_information(cfg, args.checkpoint)
    if found is None:  # the main process says it
        return
    print(f'I_NCE {found.i_nce:.3f} nats (95%: {found.low:.3f} to {found.high:.3f}), '
          f'{found.images} images, {found.candidates} candidates, ceiling {found.ceiling:.3f}'
          + (': saturated' if found.saturated else ''))
    if args.out:
        with without_traceback(), writing_aside(args.out) as file:
            file.write(json.dumps(found._asdict()).encode())


if __name__ == '__main__':
    main()

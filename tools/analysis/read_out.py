"""Measure frozen features: linear classifier, nearest neighbours, by the config's read_out.

Features are those of a run's model (CHECKPOINT), or of a trunk from anywhere (--pretrained).
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file with read_out')
    parser.add_argument('checkpoint', nargs='?', type=Path, help='of a run of this config')
    parser.add_argument('--pretrained', metavar='CKPT',
                        help="a trunk instead, as tools/train.py takes it; 'random' for none")
    parser.add_argument('--seed', type=int, default=0, help='of a random trunk (default: 0)')
    parser.add_argument('--out', type=Path,
                        help='JSON file to write: scores by test set, and what was measured')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch passes this
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    if (args.checkpoint is None) == (args.pretrained is None):
        parser.error('give a CHECKPOINT of the config, or a trunk by --pretrained')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_environment()

    from infomin_plugin.checkpoints.files import writing_aside
    from infomin_plugin.engine.command_line import configured, without_traceback
    from infomin_plugin.engine.faults.storage import check_result_file
    from infomin_plugin.engine.measures.read_out import ERROR, read_out, read_out_trunk
    from infomin_plugin.engine.measures.read_out_settings import check_read_out
    from infomin_plugin.engine.results.read_outs import describe_read_out
    from infomin_plugin.engine.runner.launch import start

    start(args.launcher)
    with without_traceback():
        cfg = configured(args.config, args.cfg_options)
        check_read_out(cfg)
        if args.out:
            check_result_file(args.out, '--out')
        description = describe_read_out(cfg, Path(args.config).stem, args.seed)
        if args.pretrained:
            cfg.merge_from_dict({'pretrained': args.pretrained, 'randomness.seed': args.seed})
            scores, initialisation = read_out_trunk(cfg)
        else:
            scores, initialisation = read_out(cfg, args.checkpoint), {}
    for name, score in scores.items():
        print(f'{name}: {score:.2f}' + ('' if name.endswith(ERROR) else '%'))
    if args.out and scores:  # the main process has them
        text = json.dumps(dict(scores=scores, initialisation=initialisation, **description))
        with without_traceback(), writing_aside(args.out) as file:
            file.write(text.encode())


if __name__ == '__main__':
    main()

"""Evaluate a checkpoint with the test set and metrics of its config."""

import argparse
import os

from infomin_plugin.environment import check_environment


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of tools/train.py')
    parser.add_argument('--work-dir', help='folder of logs and results; '
                        'default: work_dirs/<name of the config>')
    parser.add_argument('--show-dir', metavar='DIR',
                        help='write pictures with predictions here')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_environment()

    from mmengine.registry import RUNNERS

    from infomin_plugin.checkpoints import CheckpointError, read_training
    from infomin_plugin.engine.command_line import load_config, without_traceback
    from infomin_plugin.engine.faults.setup_error import SetupError

    with without_traceback():
        cfg = load_config(args)
        cfg.load_from = args.checkpoint
        cfg.pretrained = None  # a dumped config may name the weights that training started from
        # the results say, as the training's do, where its weights came from
        cfg.initialisation = read_training(args.checkpoint)['meta'].get('initialisation')
        if args.show_dir:
            cfg.default_hooks.visualization = dict(
                type='mmdet.DetVisualizationHook', draw=True, interval=1,
                test_out_dir=args.show_dir)
        runner = RUNNERS.build(cfg)
    with without_traceback((SetupError, CheckpointError)):
        runner.test()


if __name__ == '__main__':
    main()

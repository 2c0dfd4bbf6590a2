"""Train any config of this project or of mmdet: pre-training, detection, segmentation."""

import argparse
import os
import sys

from infomin_plugin.environment import check_environment


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints; '
                        'default: work_dirs/<name of the config>')
    parser.add_argument('--pretrained', metavar='random|supervised|CKPT',
                        help="weights of the trunk: 'random' for none, 'supervised' for "
                        "torchvision's of ImageNet (downloaded once), or a file: a checkpoint or "
                        "exported backbone of ours, mmselfsup's, PyContrast's, MoCo's, "
                        "torchvision's or timm's")
    parser.add_argument('--pretrained-from', choices=['query', 'momentum'], default='query',
                        help='which encoder of a contrastive checkpoint (default: query)')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CKPT',
                        help='go on from CKPT, or from the last checkpoint of the work dir')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--amp-dtype', choices=['float16', 'bfloat16'], default='float16',
                        help='its lower precision (default: float16, with loss scaling, on GPUs '
                        'only); bfloat16 needs no scaling and runs on CPUs as well')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help="scale the learning rate to the run's batch size")
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR model.memory.length=4096; '
                        'lists as key="[a,b]"')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed.launch passes this
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_environment()  # before the imports that a wrong package breaks

    from mmengine.registry import RUNNERS

    from infomin_plugin.checkpoints import CheckpointError
    from infomin_plugin.engine.command_line import load_config, use_amp, without_traceback
    from infomin_plugin.engine.faults.setup_error import SetupError

    with without_traceback():
        cfg = load_config(args)
    if args.pretrained:
        cfg.pretrained = args.pretrained
        cfg.pretrained_from = args.pretrained_from
    if args.amp:
        use_amp(cfg, args.amp_dtype)
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            sys.exit(f'--auto-scale-lr: {args.config} has no auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume

    with without_traceback():
        runner = RUNNERS.build(cfg)
    with without_traceback((SetupError, CheckpointError)):
        runner.train()


if __name__ == '__main__':
    main()

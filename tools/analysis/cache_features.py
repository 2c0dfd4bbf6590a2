"""Write a frozen trunk's features of labelled images, for linear read-outs without the trunk."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of configs/linear/: images, trunk, test crop')
    parser.add_argument('out', type=Path,
                        help='folder to write train/ and val/ to: data_root of a cached config')
    parser.add_argument('--pretrained', required=True, metavar='CKPT',
                        help="weights of the trunk, as tools/train.py takes them: a checkpoint or "
                        "exported backbone, 'supervised' or 'random'")
    parser.add_argument('--pretrained-from', choices=['query', 'momentum'], default='query',
                        help='which encoder of a contrastive checkpoint (default: query)')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Compute, write and say what."""
    args = parse_args(argv)
    check_environment()

    from mmengine.logging import MMLogger

    from infomin_plugin.engine.command_line import configured
    from infomin_plugin.engine.measures.feature_cache import cache_features

    # at its usual level it tells of each tensor how it starts
    MMLogger.get_instance('mmengine', log_level='WARNING')
    try:
        cfg = configured(args.config, args.cfg_options)
        cfg.pretrained, cfg.pretrained_from = args.pretrained, args.pretrained_from
        written = cache_features(cfg, args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for split, is_new in written.items():
        print(f'{args.out / split}: {"written" if is_new else "is there already"}')


if __name__ == '__main__':
    main()

"""Write the plain backbone of a checkpoint, for any model that takes pre-trained ResNets.

A contrast of two views gives the view generator and both trunks, for a TwoViewBackbone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.checkpoints.convert import convert_checkpoint, report


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('checkpoint', type=Path, help='file of weights of any accepted origin')
    parser.add_argument(
        'out',
        type=Path,
        help="file to write; takes init_cfg=dict(type='Pretrained', checkpoint=OUT)")
    parser.add_argument(
        '--from',
        dest='source',
        choices=('query', 'momentum'),
        default='query',
        help='the trained encoder or its momentum copy (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it exists')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Export, and say in one line what."""
    args = parse_args(argv)
    try:
        trunk = convert_checkpoint(
            args.checkpoint, args.out, source=args.source, overwrite=args.overwrite)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(report(args.out, trunk))


if __name__ == '__main__':
    main()

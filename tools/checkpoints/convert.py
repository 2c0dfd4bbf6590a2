"""Convert a ResNet trunk from a file of any known origin to a layout of another library."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.checkpoints.convert import LAYOUTS, convert_checkpoint, report


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='how the files are loaded:\n' +
        '\n'.join(f'  {name:<12} {layout.use}' for name, layout in LAYOUTS.items()))
    parser.add_argument('checkpoint', metavar='SRC', type=Path,
                        help='file of weights of any accepted origin')
    parser.add_argument('out', metavar='DST', type=Path, help='file to write')
    parser.add_argument('--to', dest='layout', choices=LAYOUTS, required=True)
    parser.add_argument(
        '--from',
        dest='source',
        choices=('query', 'momentum'),
        default='query',
        help='the trained encoder or its momentum copy (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, say what was written and how it is loaded."""
    args = parse_args(argv)
    try:
        trunk = convert_checkpoint(args.checkpoint, args.out, args.layout, args.source,
                                   args.overwrite)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None
    print(report(args.out, trunk))
    print(f'load: {LAYOUTS[args.layout].use.replace("FILE", str(args.out))}')


if __name__ == '__main__':
    main()

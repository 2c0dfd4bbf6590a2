"""Make a small scene set without any download: see `infomin_plugin.datasets.mini`."""

import argparse
import sys
import time
from dataclasses import fields
from pathlib import Path

from rich.progress import track

from infomin_plugin.datasets.mini import MiniOptions, make_mini


def parse_args(argv=None):
    """Read the command line; every field of `MiniOptions` is an option."""
    parser = argparse.ArgumentParser(
        description=(
            'Make a small set of scenes and single objects, for pre-training, PASCAL VOC and COCO '
            "form, from scikit-learn's digits and sample photographs or from your own cut-outs "
            'and photographs.'
        )
    )
    parser.add_argument('out', help='folder to make; a set made with the same options is kept')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cutouts', metavar='DIR', help='RGBA images as DIR/<class>/*.png')
    parser.add_argument('--photographs', metavar='DIR', help='any tree of photographs')
    parser.add_argument(
        '--data', metavar='DIR', help='a folder that holds cutouts/ and photographs/ (or one)'
    )
    parser.add_argument('--overwrite', action='store_true', help='make an existing set again')
    looks = parser.add_argument_group('counts, sizes (pixels) and looks')
    for option in fields(MiniOptions):
        shape = {}
        kind = type(option.default)
        if kind is tuple:
            kind = type(option.default[0])
            shape = dict(nargs=2)
        looks.add_argument(
            f'--{option.name.replace("_", "-")}',
            type=kind,
            default=option.default,
            metavar='N',
            help=f'{option.metadata["help"]} (%(default)s)',
            **shape,
        )
    args = parser.parse_args(argv)
    if args.data is not None:
        _use_data(parser, args)
    return args


def _use_data(parser, args):
    """`--data DIR` stands for the sub-folders of DIR that are there."""
    found = False
    for name in ('cutouts', 'photographs'):
        folder = Path(args.data) / name
        if not folder.is_dir():
            continue
        found = True
        if getattr(args, name) is None:
            setattr(args, name, str(folder))
    if not found:
        parser.error(
            f'--data {args.data}: there is neither {Path(args.data) / "cutouts"} '
            f'(RGBA images as <class>/*.png) nor {Path(args.data) / "photographs"}'
        )


def main(argv=None):
    """Make the set and say in one line what there is."""
    args = parse_args(argv)
    options = {option.name: getattr(args, option.name) for option in fields(MiniOptions)}
    started = time.perf_counter()
    try:
        mini = make_mini(
            args.out,
            seed=args.seed,
            cutouts=args.cutouts,
            photographs=args.photographs,
            overwrite=args.overwrite,
            progress=lambda each, name: track(each, description=f'{name:14}'),
            **options,
        )
    except (OSError, ValueError) as error:
        print(f'make_mini: {error}', file=sys.stderr)
        return 1
    counts = ', '.join(f'{name} {count}' for name, count in mini.counts.items())
    how = 'already there' if mini.reused else f'made in {time.perf_counter() - started:.1f} s'
    print(f'mini set {mini.root}: {len(mini.classes)} classes; {counts}; {how}')
    return 0


if __name__ == '__main__':
    sys.exit(main())

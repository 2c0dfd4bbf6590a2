"""Time the views of pre-training against Pillow/torchvision and mmselfsup, in one run.

Milliseconds an image on one core, images a second through data loaders with workers, and where the
time of our samples goes, step by step. What is compared takes turns, over the same files.

IMAGES_DIR is a tree of JPEGs: some of ImageNet's, say, or with --write-photographs a new folder of
500x375 crops of the two photographs that scikit-learn ships.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images_dir', type=Path, metavar='IMAGES_DIR')
    parser.add_argument('--write-photographs', action='store_true',
                        help="make IMAGES_DIR: crops of scikit-learn's photographs, 500x375")
    parser.add_argument('--config', nargs='+', type=Path, default=[], metavar='CONFIG',
                        help='other pre-training configs to time as they are')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures there too')
    parser.add_argument('--repeats', type=int, default=5, help='turns (default: %(default)s)')
    parser.add_argument('--images', type=int, default=64,
                        help='files in a turn, from all over IMAGES_DIR (default: %(default)s)')
    parser.add_argument('--workers', nargs='+', type=int, default=[1, 2],
                        help='workers of the loaders (default: 1 2)')
    parser.add_argument('--batch-size', type=int, default=32,
                        help='of the loaders (default: %(default)s)')
    parser.add_argument('--loader-seconds', type=float, default=3,
                        help='about so long a turn of one worker takes, 0 for no loaders '
                             '(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    bounds = dict(repeats=(1, None), images=(1, None), batch_size=(1, None),
                  loader_seconds=(0, 3600), seed=(0, 2**32 - 1 - args.repeats))
    for name, (low, high) in bounds.items():
        value = getattr(args, name)
        if not value >= low or (high is not None and value > high):
            bound = f'at least {low}' if high is None else f'from {low} to {high}'
            parser.error(f'--{name.replace("_", "-")} must be {bound}, got {value}')
    if min(args.workers) < 1 or len(set(args.workers)) < len(args.workers):
        parser.error(f'--workers must be different numbers of at least 1, got {args.workers}')
    check_paths(parser, args)
    return args


def check_paths(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Name a path that cannot be used before minutes are spent."""
    folder = args.images_dir
    if not args.write_photographs and not folder.is_dir():
        parser.error(f'IMAGES_DIR: there is no folder {folder} (--write-photographs makes one)')
    if args.write_photographs and folder.exists() and not (folder.is_dir()
                                                           and not any(folder.iterdir())):
        parser.error(f'--write-photographs: {folder} exists and is no empty folder')
    for config in args.config:
        if not config.is_file():
            parser.error(f'--config: there is no file {config}')
    if args.json:
        try:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.open('a').close()
        except OSError as error:
            parser.error(f'--json: cannot write {args.json}: {error.strerror}')


def find_images(folder: Path, number: int) -> list[str]:
    """List JPEGs below a folder, at most ``number``, spread evenly over the sorted paths."""
    files = sorted(str(path) for path in folder.rglob('*')
                   if path.suffix.lower() in ('.jpg', '.jpeg') and not path.name.startswith('.'))
    if not files:
        raise FileNotFoundError(f'IMAGES_DIR: {folder} has no JPEG files, at any depth')
    number = min(number, len(files))
    return [files[i * len(files) // number] for i in range(number)]


def measure(args: argparse.Namespace, files: Sequence[str]) -> dict:
    """Measure everything and put it together."""
    from figures import assemble
    from peers import build_peers
    from step_times import time_steps
    from timing import time_loaders, time_peers
    load_average = os.getloadavg()[0]
    peers = build_peers(args.config)
    times = time_peers({peer.name: peer.run for peer in peers}, files, args.repeats, args.seed)
    steps = {peer.name: time_steps(peer.build(), files, args.repeats, args.seed)
             for peer in peers if peer.build}
    rates = time_loaders(
        {peer.name: peer.run for peer in peers}, times, files, args.workers, args.batch_size,
        args.loader_seconds, args.repeats, args.seed) if args.loader_seconds else {}
    return assemble(peers, times, steps, rates, files, vars(args), load_average)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    check_environment()
    for library in ('OMP', 'OPENBLAS', 'MKL', 'NUMBA'):
        os.environ[f'{library}_NUM_THREADS'] = '1'  # before numpy, torch and numba read it

    try:
        if args.write_photographs:
            from photographs import write_photographs
            write_photographs(args.images_dir, args.images, args.seed)
        files = find_images(args.images_dir, args.images)

        import cv2
        import torch
        from report import show
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        figures = measure(args, files)
    except (OSError, ValueError) as error:  # broken images and configs are among them
        if args.json and not args.json.stat().st_size:
            args.json.unlink()
        sys.exit(f'error: {error}')
    show(figures)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + '\n')


if __name__ == '__main__':
    main()

"""Fit a linear classifier to a trained model's frozen features and print its accuracy."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help="config file of the run, with read_out")
    parser.add_argument('checkpoint', type=Path, help='of the run')
    parser.add_argument('--out', type=Path, help='JSON file to write: scores by test set')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    check_environment()

    from mmengine.config import Config

    from infomin_plugin.engine.command_line import parse_options
    from infomin_plugin.engine.read_out import ERROR, read_out

    try:
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(parse_options(args.cfg_options))
        scores = read_out(cfg, args.checkpoint)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    for name, score in scores.items():
        print(f'{name}: {score:.2f}' + ('' if name.endswith(ERROR) else '%'))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(scores))


if __name__ == '__main__':
    main()

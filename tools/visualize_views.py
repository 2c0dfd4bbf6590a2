"""Draw what a pre-training config makes of images: the original, its views, its patches.

A row is an image and some samples of it; with --steps a row is a view, operation by operation.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a pre-training')
    parser.add_argument('images', nargs='*', metavar='IMAGE',
                        help="image files; default: some of the config's training set")
    parser.add_argument('--out', type=Path, default=Path('views.png'),
                        help='picture to write (default: %(default)s)')
    parser.add_argument('--num', type=int, default=4,
                        help='images to take from the training set (default: %(default)s)')
    parser.add_argument('--steps', action='store_true',
                        help='show what each operation did, a row for every view')
    parser.add_argument('--draws', type=int,
                        help='samples of an image (default: 4, with --steps 1)')
    parser.add_argument('--height', type=int, default=128,
                        help='height of an image in pixels (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    args = parser.parse_intermixed_args(argv)  # images may also follow options
    if args.draws is None:
        args.draws = 1 if args.steps else 4
    bounds = dict(num=(1, None), draws=(1, None), height=(16, 1024), seed=(0, 2**32 - 1))
    for name, (low, high) in bounds.items():
        value = getattr(args, name)
        if value < low or (high is not None and value > high):
            bound = f'at least {low}' if high is None else f'from {low} to {high}'
            parser.error(f'--{name} must be {bound}, got {value}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Draw and write the picture."""
    args = parse_args(argv)
    check_environment()

    import numpy as np
    from PIL import Image

    from infomin_plugin.datasets.transforms import ImageError, build_recipe
    from infomin_plugin.engine.command_line import configured
    from infomin_plugin.engine.settings.reroot import reroot
    from infomin_plugin.registry import DATASETS
    from infomin_plugin.visualization.views import draw_steps, draw_views

    if args.out.suffix.lower() not in Image.registered_extensions():
        sys.exit(f'error: --out: {args.out} has no ending of an image file, such as .png')
    np.random.seed(args.seed)
    try:
        cfg = configured(args.config, args.cfg_options)
        reroot(cfg)
        # A recipe is shown as it is written, also where photometry='device' will move a part of it
        # to the training device: the samples have the same distribution.
        if cfg.get('model', {}).get('data_preprocessor', {}).get('recipes'):
            print('note: a run has moved a part of the recipes to model.data_preprocessor.recipes, '
                  'which is not shown: give the config that the run was started with',
                  file=sys.stderr)
        dataset = cfg.get('train_dataloader', {}).get('dataset', {})
        if not dataset.get('pipeline'):
            raise ValueError(f'{args.config} has no train_dataloader.dataset.pipeline')
        images = args.images
        if not images:
            dataset = DATASETS.build({**dataset, '_scope_': cfg.get('default_scope')})
            chosen = np.random.choice(len(dataset), min(args.num, len(dataset)), replace=False)
            images = [dataset.get_data_info(int(i)) for i in chosen]
        pipeline = build_recipe(cfg.train_dataloader.dataset.pipeline)
        draw = draw_steps if args.steps else draw_views
        picture = draw(pipeline, images, args.draws, args.height)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(args.out)
    except (ImageError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: images: {len(images)}, samples of each: {args.draws}')


if __name__ == '__main__':
    main()

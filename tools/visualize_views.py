"""Draw what a pre-training config makes of images: the original, its views, its patches."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infomin_plugin.environment import check_environment


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a pre-training')
    parser.add_argument('images', nargs='*', metavar='IMAGE',
                        help="image files; default: some of the config's training set")
    parser.add_argument('--out', type=Path, default=Path('views.png'),
                        help='picture to write (default: %(default)s)')
    parser.add_argument('--num', type=int, default=4,
                        help='images to take from the training set (default: %(default)s)')
    parser.add_argument('--draws', type=int, default=2, help='rows an image (default: %(default)s)')
    parser.add_argument('--height', type=int, default=160,
                        help='height of a row in pixels (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', default=[],
                        help='override settings, such as data_root=DIR')
    args = parser.parse_args(argv)
    for name in ('num', 'draws', 'height'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1, got {getattr(args, name)}')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Draw and write the picture."""
    args = parse_args(argv)
    check_environment()

    import numpy as np
    from mmengine.config import Config
    from PIL import Image

    from infomin_plugin.datasets.transforms import ImageError, build_recipe
    from infomin_plugin.engine.command_line import parse_options
    from infomin_plugin.engine.reroot import reroot
    from infomin_plugin.registry import DATASETS
    from infomin_plugin.visualization.views import draw_views

    if args.out.suffix.lower() not in Image.registered_extensions():
        sys.exit(f'error: --out: {args.out} has no ending of an image file, such as .png')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(parse_options(args.cfg_options))
    reroot(cfg)
    dataset = cfg.get('train_dataloader', {}).get('dataset', {})
    if not dataset.get('pipeline'):
        sys.exit(f'error: {args.config} has no train_dataloader.dataset.pipeline')
    np.random.seed(args.seed)
    try:
        paths = args.images
        if not paths:
            dataset = DATASETS.build({**dataset, '_scope_': cfg.get('default_scope')})
            chosen = np.random.choice(len(dataset), min(args.num, len(dataset)), replace=False)
            paths = [dataset.get_data_info(int(i))['img_path'] for i in chosen]
        pipeline = build_recipe(cfg.train_dataloader.dataset.pipeline)
        picture = draw_views(pipeline, paths, args.draws, args.height)
    except (ImageError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(args.out)
    print(f'{args.out}: {len(paths)} images, {args.draws} draws each')


if __name__ == '__main__':
    main()

"""Time the views of pre-training against Pillow/torchvision and mmselfsup, in one run.

Milliseconds an image on one core, and images a second through data loaders with workers. What is
compared takes turns, over the same files. IMAGES_DIR is a tree of JPEGs, 500x375 for figures like
ImageNet's; --write-photographs makes such a set from two photographs that scikit-learn ships.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

for _variable in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[_variable] = '1'  # before numpy and torch read it

CONFIGS = Path(__file__).parents[2] / 'configs' / 'pretrain'
# Of what is measured, which is divided by which.
RATIOS = {
    'two InfoMin views + jigsaw': 'plain, two InfoMin views + jigsaw',
    'two InfoMin views': 'plain, two InfoMin views',
    'two MoCo v2 views': 'mmselfsup, two MoCo v2 views',
}
UINT8 = 'plain, two InfoMin views + jigsaw, uint8'
OPENCV = 'plain, two InfoMin views + jigsaw, OpenCV blur'
OPENCV_UINT8 = 'plain, two InfoMin views + jigsaw, OpenCV blur, uint8'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images_dir', type=Path, metavar='IMAGES_DIR')
    parser.add_argument('--write-photographs', action='store_true',
                        help='make IMAGES_DIR: crops of scikit-learn\'s photographs, 500x375')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the figures there too')
    parser.add_argument('--repeats', type=int, default=7, help='turns (default: %(default)s)')
    parser.add_argument('--images', type=int, default=48,
                        help='files in a turn (default: %(default)s)')
    parser.add_argument('--loader-images', type=int, default=2048,
                        help='images through the loader in a turn, 0 for none '
                             '(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    for name, least in (('repeats', 1), ('images', 1), ('loader_images', 0)):
        if getattr(args, name) < least:
            parser.error(f'--{name.replace("_", "-")} must be at least {least}, '
                         f'got {getattr(args, name)}')
    if not args.write_photographs and not args.images_dir.is_dir():
        parser.error(f'there is no folder {args.images_dir} (--write-photographs makes one)')
    return args


def write_photographs(folder: Path, number: int, seed: int) -> None:
    """Write crops of two real photographs as 500x375 JPEGs of quality 90."""
    from PIL import Image
    from sklearn.datasets import load_sample_images
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    for i in range(number):
        width = chance.randint(500, 569)  # of 640 x 427: reduced a little, never enlarged
        left, top = chance.randint(0, 640 - width), chance.randint(0, 427 - width * 3 // 4)
        box = (left, top, left + width, top + width * 3 // 4)
        photograph = photographs[i % 2].resize((500, 375), Image.Resampling.LANCZOS, box)
        photograph.save(folder / f'{i:04d}.jpg', quality=90)


def find_images(folder: Path, number: int) -> list[str]:
    """List the first JPEGs below a folder."""
    files = sorted(str(path) for path in folder.rglob('*') if path.suffix.lower() in
                   ('.jpg', '.jpeg'))
    if not files:
        sys.exit(f'error: {folder} has no JPEG files (--write-photographs makes some)')
    return files[:number]


def chain(steps: Sequence[Callable]) -> Callable:
    """From a file to what the last of some transforms gives."""

    def run(path: str):
        sample = dict(img_path=path)
        for step in steps:
            sample = step(sample)
        return sample

    return run


def our_pipeline(config: str, jigsaw: bool = True) -> list[Callable]:
    """Build the pipeline of a config under ``configs/pretrain``."""
    from mmengine.config import Config

    from infomin_plugin.datasets.transforms import build_recipe
    steps = Config.fromfile(CONFIGS / config).train_dataloader.dataset.pipeline
    if not jigsaw:
        steps[1].pop('patches', None)
    return build_recipe(steps)


def mmselfsup_pipeline() -> Callable:
    """Build mmselfsup's own MoCo v2 pipeline, its transforms and its config."""
    import mmselfsup.datasets.transforms
    from mmcv.transforms import Compose
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    cfg = Config.fromfile(Path(mmselfsup.__file__).parent
                          / '.mim/configs/selfsup/_base_/datasets/imagenet_mocov2.py')
    with DefaultScope.overwrite_default_scope('mmselfsup'):
        return chain([Compose(cfg.train_dataloader.dataset.pipeline)])


def peers() -> dict[str, Callable]:
    """Everything that is timed: from a file to a sample."""
    from plain_views import PlainViews, load

    from infomin_plugin.datasets.transforms import LoadImage
    infomin, moco = ('infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py',
                     'mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py')
    return {
        'decoding': chain([LoadImage()]),
        'decoding, Pillow': lambda path: load(path).load(),
        'two InfoMin views': chain(our_pipeline(infomin, jigsaw=False)),
        'two InfoMin views + jigsaw': chain(our_pipeline(infomin)),
        'two MoCo v2 views': chain(our_pipeline(moco)),
        'plain, two InfoMin views': PlainViews(jigsaw=False),
        'plain, two InfoMin views + jigsaw': PlainViews(),
        UINT8: PlainViews(normalise=False),
        OPENCV: PlainViews(opencv_blur=True),
        OPENCV_UINT8: PlainViews(normalise=False, opencv_blur=True),
        'mmselfsup, two MoCo v2 views': mmselfsup_pipeline(),
    }


def seed_all(seed: int) -> None:
    """Seed every generator that a pipeline may draw from."""
    import numpy as np
    import torch
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def time_peers(pipelines: dict[str, Callable], files: Sequence[str], repeats: int,
               seed: int) -> dict[str, list[float]]:
    """Milliseconds an image in each turn, one core."""
    times = {name: [] for name in pipelines}
    for pipeline in pipelines.values():
        for path in files[:3]:
            pipeline(path)  # warm: files in memory, kernels compiled
    for turn in range(repeats):
        for name, pipeline in pipelines.items():
            seed_all(seed + turn)
            start = time.perf_counter()
            for path in files:
                pipeline(path)
            times[name].append((time.perf_counter() - start) / len(files) * 1e3)
    return times


class Files:
    """A data set of so many samples from some files, for a DataLoader."""

    def __init__(self, pipeline: Callable, files: Sequence[str], number: int) -> None:
        self.pipeline, self.files, self.number = pipeline, files, number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int):
        return self.pipeline(self.files[index % len(self.files)])


def time_loaders(files: Sequence[str], number: int, repeats: int,
                 seed: int) -> dict[str, list[float]]:
    """Images a second through MMEngine's loader, with one worker and with two."""
    from mmengine.dataset import default_collate, worker_init_fn
    from torch.utils.data import DataLoader
    pipeline = chain(our_pipeline('infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py'))
    loaders = {}
    for workers in (1, 2):
        loaders[f'{workers} worker' + 's' * (workers > 1)] = DataLoader(
            Files(pipeline, files, number), batch_size=32, num_workers=workers,
            persistent_workers=True, collate_fn=default_collate, drop_last=True,
            worker_init_fn=partial(worker_init_fn, num_workers=workers, rank=0, seed=seed))
    rates = {name: [] for name in loaders}
    for turn in range(repeats + 1):  # the first starts the workers
        for name, loader in loaders.items():
            start = time.perf_counter()
            seen = sum(len(batch['img_path']) for batch in loader)
            if turn:
                rates[name].append(seen / (time.perf_counter() - start))
    return rates


def time_steps(files: Sequence[str], repeats: int, seed: int) -> dict[str, dict]:
    """Time each change of our InfoMin samples: when it is done, and its share of a sample."""
    from infomin_plugin.datasets.transforms import LoadImage
    from infomin_plugin.datasets.transforms.changes import apply_change
    multi_view = our_pipeline('infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py')[1]
    recipes = [('', 2, multi_view.views[0].steps), ('jigsaw: ', 1, multi_view.patches[0].steps)]
    load, spent, calls = LoadImage(), {}, {}
    seed_all(seed)
    samples = repeats * len(files)
    for _ in range(repeats):
        for path in files:
            source = load(dict(img_path=path))['img']
            for prefix, num, steps in recipes:
                for _ in range(num):
                    img = source
                    for step in steps:
                        start = time.perf_counter()
                        changes = step.draw(img.shape[:2])
                        spent['drawing'] = (spent.get('drawing', 0)
                                            + time.perf_counter() - start)
                        calls['drawing'] = calls.get('drawing', 0) + 1
                        for change in changes:
                            start = time.perf_counter()
                            img = apply_change(img, change)
                            name = prefix + change.name
                            spent[name] = spent.get(name, 0) + time.perf_counter() - start
                            calls[name] = calls.get(name, 0) + 1
    return {name: dict(ms_a_call=spent[name] / calls[name] * 1e3,
                       calls_a_sample=calls[name] / samples,
                       ms_a_sample=spent[name] / samples * 1e3)
            for name in sorted(spent, key=spent.get, reverse=True)}


def summarise(values: Sequence[float]) -> dict:
    """Median and range."""
    return dict(median=statistics.median(values), min=min(values), max=max(values))


def report(args: argparse.Namespace, files: Sequence[str]) -> dict:
    """Measure everything."""
    times = time_peers(peers(), files, args.repeats, args.seed)
    ratios = {ours: summarise([peer / own for own, peer in zip(times[ours], times[theirs],
                                                               strict=True)])
              for ours, theirs in RATIOS.items()}
    ours = 'two InfoMin views + jigsaw'
    for peer in (UINT8, OPENCV, OPENCV_UINT8):
        ratios[peer] = summarise([theirs / own for own, theirs in zip(
            times[ours], times[peer], strict=True)])
    figures = dict(
        machine=machine(), seed=args.seed, repeats=args.repeats, images=len(files),
        ms_an_image={name: summarise(values) for name, values in times.items()},
        times_faster=ratios,
        decoding_share=statistics.median(times['decoding']) / statistics.median(
            times['two InfoMin views + jigsaw']),
        steps=time_steps(files, args.repeats, args.seed))
    if args.loader_images:
        rates = time_loaders(files, args.loader_images, args.repeats, args.seed)
        figures['images_a_second'] = {name: summarise(values) for name, values in rates.items()}
        figures['two_workers_to_one'] = summarise(
            [two / one for one, two in zip(*rates.values(), strict=True)])
    return figures


def machine() -> dict:
    """What the figures depend on."""
    from importlib.metadata import version
    cpu = next((line.split(':')[1].strip() for line in Path('/proc/cpuinfo').read_text().split('\n')
                if line.startswith('model name')), platform.processor()) if Path(
                    '/proc/cpuinfo').exists() else platform.processor()
    packages = ('numpy', 'opencv-python', 'numba', 'simplejpeg', 'pillow', 'torch', 'torchvision',
                'mmselfsup')
    return dict(cpu=cpu, cores=os.cpu_count(), python=platform.python_version(),
                packages={package: version(package) for package in packages})


def show(figures: dict) -> None:
    """Print the figures as tables."""
    from rich.console import Console
    from rich.table import Table
    console = Console()
    table = Table('one core', 'ms an image', 'range', 'peer / ours', title='From file to sample')
    for name, row in figures['ms_an_image'].items():
        ratio = figures['times_faster'].get(name)
        table.add_row(name, f'{row["median"]:.2f}', f'{row["min"]:.2f}–{row["max"]:.2f}',
                      f'{ratio["median"]:.1f} ({ratio["min"]:.1f}–{ratio["max"]:.1f})'
                      if ratio else '')
    console.print(table)
    table = Table('change', 'ms a call', 'calls a sample', 'ms a sample',
                  title='Two InfoMin views + jigsaw, step by step')
    for name, row in figures['steps'].items():
        table.add_row(name, f'{row["ms_a_call"]:.3f}', f'{row["calls_a_sample"]:.2f}',
                      f'{row["ms_a_sample"]:.3f}')
    console.print(table)
    console.print(f'Decoding is {figures["decoding_share"]:.0%} of two InfoMin views + jigsaw; '
                  f'the next step is {next(iter(figures["steps"]))}.')
    if 'images_a_second' in figures:
        for name, row in figures['images_a_second'].items():
            console.print(f'{name}: {row["median"]:.0f} images a second '
                          f'({row["min"]:.0f}–{row["max"]:.0f})')
        ratio = figures['two_workers_to_one']
        console.print(f'two workers to one: {ratio["median"]:.2f} '
                      f'({ratio["min"]:.2f}–{ratio["max"]:.2f})')


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    args = parse_args(argv)
    if args.write_photographs:
        write_photographs(args.images_dir, args.images, args.seed)
    files = find_images(args.images_dir, args.images)

    import cv2
    import torch
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    figures = report(args, files)
    show(figures)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == '__main__':
    main()

"""What the benchmark of the views compares: ways from a file to a sample."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

import mmselfsup.datasets.transforms  # noqa: F401, registers what its config names
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import TRANSFORMS, DefaultScope
from plain_views import PlainViews, blur_by_convolution, load

from infomin_plugin.datasets.transforms import LoadImage, build_recipe
from infomin_plugin.engine.photometry import place_photometry

CONFIGS = Path(__file__).parents[2] / 'configs' / 'pretrain'
INFOMIN = CONFIGS / 'infomin_resnet50_8xb32-coslr-200e_in1k.py'
MOCO = CONFIGS / 'mocov2_resnet50_8xb32-coslr-200e_in1k.py'

DECODING, PILLOW, OPENCV = ('decoding', 'decoding, plain (Pillow)', 'decoding, mmselfsup (OpenCV)')
VIEWS, JIGSAW, TWO_MOCO = ('two InfoMin views', 'two InfoMin views + jigsaw', 'two MoCo v2 views')


class Peer(NamedTuple):
    """A row of the table."""

    name: str
    # From a path to a sample.
    run: Callable[[str], dict]
    # Of a pipeline of ours: builds another like it, whose steps can be timed.
    build: Callable[[], list[Callable]] | None = None
    # Of a pipeline of others: the rows of its decoding and of ours that does the same.
    decoding: str | None = None
    ours: str | None = None


def _chain(steps: Sequence[Callable]) -> Callable[[str], dict]:
    def run(path: str) -> dict:
        sample = dict(img_path=path)
        for step in steps:
            sample = step(sample)
        return sample

    return run


def _decode(decode: Callable) -> Callable[[str], dict]:
    """Decode and throw the pixels away: images of different sizes make no batch."""

    def run(path: str) -> dict:
        decode(path)
        return dict(img_path=path)

    return run


def _ours(name: str, build: Callable[[], list[Callable]]) -> Peer:
    return Peer(name, _chain(build()), build)


def our_pipeline(config: Path, jigsaw: bool = True,
                 photometry: str | None = None) -> list[Callable]:
    """Build the pipeline of a pre-training's workers.

    Args:
        config: Its file.
        jigsaw: False leaves the patches out.
        photometry: 'worker' or 'device' instead of what the config says.

    Raises:
        ValueError: If the config has no pipeline or is wrong; it is named.
    """
    try:
        cfg = Config.fromfile(config)
        if photometry:
            cfg.photometry = photometry
        place_photometry(cfg)
        pipeline = deepcopy(cfg.get('train_dataloader', {}).get('dataset', {}).get('pipeline'))
        if not pipeline:
            raise ValueError('it has no train_dataloader.dataset.pipeline')
        if not jigsaw:
            for step in pipeline:
                step.pop('patches', None)
        return build_recipe(pipeline)
    except Exception as error:  # a config is code: anything may come
        raise ValueError(f'--config {config}: {error}') from error


def mmselfsup_pipeline(steps: slice = slice(None)) -> list[Callable]:
    """Build steps of mmselfsup's own MoCo v2 pipeline, from its config and its transforms."""
    cfg = get_config('mmselfsup::selfsup/_base_/datasets/imagenet_mocov2.py')
    with DefaultScope.overwrite_default_scope('mmselfsup'):
        return [TRANSFORMS.build(step) for step in cfg.train_dataloader.dataset.pipeline[steps]]


def build_peers(configs: Sequence[Path] = ()) -> list[Peer]:
    """Build everything that is timed, in the order of the table.

    Args:
        configs: More pre-training configs of ours.

    Raises:
        ValueError: If a config cannot be used.
    """
    plain = dict(decoding=PILLOW)
    return [
        Peer(DECODING, _decode(_chain([LoadImage()]))),
        Peer(PILLOW, _decode(load)),
        Peer(OPENCV, _decode(_chain(mmselfsup_pipeline(slice(1))))),
        _ours(VIEWS, lambda: our_pipeline(INFOMIN, jigsaw=False)),
        Peer(f'plain, {VIEWS}', PlainViews(jigsaw=False), **plain, ours=VIEWS),
        _ours(JIGSAW, lambda: our_pipeline(INFOMIN)),
        Peer(f'plain, {JIGSAW}', PlainViews(), **plain, ours=JIGSAW),
        Peer(f'plain, {JIGSAW}, uint8', PlainViews(normalise=False), **plain, ours=JIGSAW),
        Peer(f"plain, {JIGSAW}, authors' blur", PlainViews(blur=blur_by_convolution), **plain,
             ours=JIGSAW),
        _ours(f'{JIGSAW}, photometry on the device',
              lambda: our_pipeline(INFOMIN, photometry='device')),
        _ours(TWO_MOCO, lambda: our_pipeline(MOCO)),
        Peer(f'mmselfsup, {TWO_MOCO}', _chain(mmselfsup_pipeline()), decoding=OPENCV,
             ours=TWO_MOCO),
        *(_ours(str(config), lambda config=config: our_pipeline(config)) for config in configs),
    ]

"""The data set: two views of a digit over a photograph that share some of three factors."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from mmengine.dataset import BaseDataset

from infomin_plugin.registry import DATASETS, SCOPE

from ..transforms import build_recipe
from ..transforms.checks import count, number, one_of
from ..transforms.loading import EncodedJpeg
from .digits import SOURCES, draw_digit, load_digits
from .motion import draw_motion, follow

FACTORS = ('digit', 'position', 'background')
SPLITS = ('train', 'test')


class Scene(NamedTuple):
    """What a view shows, before it is drawn.

    Attributes:
        digit: Index among the digits of the split.
        background: Index among the backgrounds.
        crop: Which part of the background: (y, x) in [0, 1), from the first place of a window of
            the canvas's size to the last.
        corners: int (T, 2), the upper left corner (y, x) of the digit in each frame, px.
    """

    digit: int
    background: int
    crop: tuple[float, float]
    corners: np.ndarray


@DATASETS.register_module()
class ColorfulMovingMNIST(BaseDataset):
    """A digit that moves over a photograph: ten frames, and a later one that shares some factors.

    Tian et al. 2020, section 4.1. View 1 is a clip: one digit starts anywhere, moves straight in
    any direction, is reflected at the border and lies over one crop of a photograph that does not
    move. View 2 is the frame that follows the clip's last one, in which each of the ``shared``
    factors is as in view 1 (the same instance of the digit; the place where its motion leads; the
    same crop) and each other one is drawn anew, independently and uniformly: digits and
    backgrounds among all instances, so that their class may be the same by chance, places among
    all inside the canvas.

    A sample before the pipeline, which needs no ``LoadImage`` and no ``MultiView``::

        views       [(T, S, S, 3), (S, S, 3)] uint8 RGB, S the canvas
        patches     []
        gt_label    class of view 1's digit, 0…9
        background  class of view 1's background
        position    float32 (2,), (y, x): where the centre of view 1's digit is in the frame after
                    the clip, px from the upper left corner of the canvas
        first, second  of either view: digit, digit_idx, background, background_idx, crop
                    (y, x of the background's window, px), position (as above)
        sample_idx  index in this data set

    Sample i depends on ``seed``, i and the split alone: on no worker, epoch or order. View 1 does
    not depend on ``shared`` either. ``metainfo`` has ``classes`` of the digits and
    ``background_classes``.

    Args:
        backgrounds: Config of a labelled data set, such as ``STL10`` or ``ImageFolder`` with
            ``with_labels=True``, whose samples after its pipeline have ``img`` (H, W, 3), uint8,
            RGB, and ``gt_label``. Its pipeline must not be random. It is built with ``test_mode``:
            an unreadable file is an error, as one in its place would be another sample.
        shared: The factors that the views share, at least one of 'digit', 'position' and
            'background'.
        length: Samples of an epoch.
        split: 'train' or 'test': disjoint instances of digits, and other draws. The backgrounds
            are as their own config says.
        digits: 'mnist', 'sklearn' or 'auto'; see :func:`load_digits`.
        digits_root: The folder with MNIST's files in ``MNIST/raw``.
        num_frames: Of view 1.
        canvas: Side of a frame, px.
        digit_size: Side of a digit, px, less than the canvas.
        speed: Distance moved a frame, in canvases.
        brightness: Factor of the backgrounds, in [0, 1]; the less, the more the digit stands out.
        seed: Of all draws, 0 or more.
        cache: Whether each process keeps the backgrounds that it has decoded.
        pipeline: Transforms, such as ``PackViews(meta_keys=('gt_label', 'background',
            'position'))``; bare names are ours, whatever the default scope is.
        **kwargs: Of MMEngine's ``BaseDataset``: indices, test_mode, ...

    Raises:
        TypeError: If ``backgrounds`` is no config, ``shared`` no list, or a number of another type.
        ValueError: If an argument is out of range; if the backgrounds are not labelled or one is
            smaller than the canvas or no RGB image: the message names it.
        FileNotFoundError: If MNIST is wanted and is not there.
        ImageError: If a background is unreadable.
    """

    def __init__(self, backgrounds: dict, shared: Sequence[str], length: int,
                 split: str = 'train', digits: str = 'auto', digits_root: str | None = None,
                 num_frames: int = 10, canvas: int = 64, digit_size: int = 28,
                 speed: float = 0.1, brightness: float = 1, seed: int = 0, cache: bool = False,
                 pipeline: Sequence[dict | Callable] = (), **kwargs) -> None:
        if not isinstance(backgrounds, dict):
            raise TypeError('backgrounds must be the config of a labelled data set, got '
                            f'{backgrounds!r}')
        self._background_cfg = backgrounds
        self.shared = _factors(shared)
        self.length = count('length', length)
        self.split = one_of('split', split, SPLITS)
        self._digit_source = one_of('digits', digits, SOURCES)
        self._digits_root = digits_root
        self.num_frames = count('num_frames', num_frames)
        self.canvas = count('canvas', canvas, low=2)
        self.digit_size = count('digit_size', digit_size)
        if digit_size >= canvas:
            raise ValueError(f'digit_size must be less than canvas = {canvas}, got {digit_size}')
        self.speed = number('speed', speed, low=0)
        self.brightness = number('brightness', brightness, 0, 1)
        self.seed = count('seed', seed, low=0)
        self.cache = cache
        self._cached: dict[int, tuple[np.ndarray, int]] = {}
        super().__init__(pipeline=build_recipe(pipeline), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Load digits and backgrounds; list the samples as ``dict(index)``."""
        self.digits = load_digits(self._digit_source, self._digits_root, self.split,
                                  self.digit_size)
        self.backgrounds = DATASETS.build(
            {'_scope_': SCOPE, 'test_mode': True, **self._background_cfg})
        classes = self.backgrounds.metainfo.get('classes')
        if classes is None:
            raise ValueError('backgrounds must be labelled (ImageFolder: with_labels=True): their '
                             "metainfo has no 'classes'")
        self._background(0)  # a wrong pipeline or size shows here rather than in a worker
        self._metainfo.update(classes=self.digits.classes, background_classes=tuple(classes))
        return [dict(index=index) for index in range(self.length)]

    def get_data_info(self, idx: int) -> dict:
        """Draw one sample; see the class."""
        info = super().get_data_info(idx)
        scenes = self.scenes(info.pop('index'))
        frames, first = self._render(scenes[0])
        frame, second = self._render(scenes[1])
        return dict(views=[frames[:-1], frame[-1]], patches=[], gt_label=first['digit'],
                    background=first['background'], position=first['position'],
                    first=first, second=second, **info)

    def scenes(self, index: int) -> tuple[Scene, Scene]:
        """Draw what both views of sample ``index`` show, without images.

        Args:
            index: 0…length − 1, whatever ``indices`` say.

        Returns:
            tuple: Of view 1 with ``num_frames + 1`` places, the last at the time of view 2; and of
            view 2 with one place.
        """
        rng = np.random.default_rng((self.seed, index, SPLITS.index(self.split)))
        span = self.canvas - self.digit_size
        start, step = draw_motion(rng, span, self.speed * self.canvas)
        first = Scene(*self._draw_objects(rng), follow(start, step, self.num_frames + 1, span))
        place = np.rint(rng.uniform(0, span, (1, 2))).astype(int)
        second = Scene(*self._draw_objects(rng), place)
        if 'digit' in self.shared:
            second = second._replace(digit=first.digit)
        if 'position' in self.shared:
            second = second._replace(corners=first.corners[-1:])
        if 'background' in self.shared:
            second = second._replace(background=first.background, crop=first.crop)
        return first, second

    def __getstate__(self) -> dict:
        """Leave the cache out: pickled, for a spawned worker, it would be all the images."""
        return {**self.__dict__, '_cached': {}}

    def _draw_objects(self, rng: np.random.Generator) -> tuple[int, int, tuple[float, float]]:
        return (int(rng.integers(len(self.digits.labels))),
                int(rng.integers(len(self.backgrounds))), tuple(rng.random(2)))

    def _render(self, scene: Scene) -> tuple[np.ndarray, dict]:
        """Frames uint8 (T, S, S, 3) of a scene, and its labels."""
        img, label = self._background(scene.background)
        y, x = (int(part * (side - self.canvas + 1))
                for part, side in zip(scene.crop, img.shape[:2], strict=True))
        background = np.rint(
            self.brightness * img[y:y + self.canvas, x:x + self.canvas]).astype(np.uint8)
        frames = draw_digit(self.digits.alphas[scene.digit], background, scene.corners)
        labels = dict(
            digit=int(self.digits.labels[scene.digit]), digit_idx=scene.digit, background=label,
            background_idx=scene.background, crop=(y, x),
            position=(scene.corners[-1] + self.digit_size / 2).astype(np.float32))
        return frames, labels

    def _background(self, index: int) -> tuple[np.ndarray, int]:
        """A whole background, uint8 (H, W, 3), and its class."""
        if index in self._cached:
            return self._cached[index]
        sample = self.backgrounds[index]
        name = f'background {index} ({sample.get("img_path", "which has no path")})'
        if 'img' not in sample:
            raise ValueError(f"backgrounds: {name} has no 'img', only {sorted(sample)}: its "
                             "pipeline needs dict(type='LoadImage')")
        img, label = sample['img'], int(sample['gt_label'])
        if isinstance(img, EncodedJpeg):
            img, _ = img.decode()
        if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
            raise ValueError(f'backgrounds: {name} must be (H, W, 3), uint8, got {img.shape}, '
                             f'{img.dtype}')
        if min(img.shape[:2]) < self.canvas:
            raise ValueError(f'backgrounds: {name} has {img.shape[0]}×{img.shape[1]} px, which is '
                             f'smaller than the canvas, {self.canvas}×{self.canvas}')
        if label < 0:
            raise ValueError(f'backgrounds: {name} has no label, gt_label = {label}')
        if self.cache:
            self._cached[index] = img, label
        return img, label


def _factors(shared: Sequence[str]) -> tuple[str, ...]:
    """Check the shared factors; return them in the order of ``FACTORS``."""
    if isinstance(shared, str) or not isinstance(shared, Sequence):
        raise TypeError(f'shared must be a list of factors, got {shared!r}')
    if not shared or not set(shared) <= set(FACTORS):
        raise ValueError(f'shared must be one or more of {list(FACTORS)}, got {list(shared)}')
    return tuple(factor for factor in FACTORS if factor in shared)

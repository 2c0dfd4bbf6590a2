"""Where cut-outs and photographs come from, and how they are kept apart for the test split."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..bounds import size_problem

DIGIT_NAMES = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine')
DIGIT_ZOOM = 8  # 8x8 digits are drawn from smooth 80x80 ones
PHOTOGRAPH_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')
# Larger photographs are reduced on loading: as large as scikit-learn's, which is plenty for
# backgrounds of a few hundred pixels, and a thousand of them fit into memory.
PHOTOGRAPH_SIDE = 640
# From so many on, whole photographs go to one split; fewer are each cut into two regions.
WHOLE_PHOTOGRAPHS = 8


@dataclass(frozen=True)
class Cutout:
    """An object on nothing.

    Attributes:
        name: Where it came from, unique in its source.
        label: Index into the classes of the source.
        pixels: uint8; (h, w, 4) colours multiplied by alpha, RGB, and alpha; or (h, w) alpha
            alone, for an object that gets its colour when it is drawn.
    """

    name: str
    label: int
    pixels: np.ndarray

    @property
    def alpha(self):
        """uint8 (h, w)."""
        return self.pixels if self.pixels.ndim == 2 else self.pixels[..., 3]


@dataclass(frozen=True)
class Region:
    """A rectangle of a photograph: `pixels` uint8 RGB (h, w, 3), its corner at `x`, `y`."""

    name: str
    x: int
    y: int
    pixels: np.ndarray


class Digits:
    """scikit-learn's 1,797 handwritten digits (8x8, 17 grey levels) as cut-outs without colour."""

    kind = 'scikit-learn digits'
    classes = DIGIT_NAMES

    def __init__(self):
        from sklearn.datasets import load_digits

        self._data = load_digits()
        self.licence = self._data.DESCR
        self.fingerprint = hashlib.sha256(self._data.images.astype(np.uint8).tobytes()).hexdigest()

    def load(self, max_side):
        """Return the list of `Cutout`; `max_side` is taken for the sake of other sources."""
        return [
            Cutout(f'digit-{i:04d}', int(self._data.target[i]), _smooth_digit(image))
            for i, image in enumerate(self._data.images)
        ]


def _smooth_digit(image):
    """8x8 of 0...16 -> uint8 alpha (80, 80), a stroke with a soft edge."""
    padded = cv2.copyMakeBorder(image.astype(np.float32) / 16, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    side = len(padded) * DIGIT_ZOOM
    ink = cv2.resize(padded, (side, side), interpolation=cv2.INTER_CUBIC)
    # A grey level of the scan is the part of a cell that is ink. With the edge at one half, a
    # tenth of the zeros would fall apart; much lower, the holes of 6 and 9 would close.
    ramp = np.clip((ink - 0.2) / 0.4, 0, 1)
    return np.round(255 * ramp * ramp * (3 - 2 * ramp)).astype(np.uint8)


class CutoutFolder:
    """RGBA images in class folders: `<folder>/<class>/*.png`.

    Raises:
        FileNotFoundError: The folder is missing, or has no class folders.
        ValueError: A class folder holds fewer than two images, so it cannot be split.
    """

    kind = 'folder'

    def __init__(self, folder):
        self.folder = _existing(folder, 'cut-outs')
        class_folders = sorted(p for p in self.folder.iterdir() if p.is_dir() and _visible(p))
        if not class_folders:
            raise FileNotFoundError(
                f'cut-outs: {self.folder} has no class folders; '
                'RGBA images are wanted as <folder>/<class>/*.png'
            )
        self.classes = tuple(p.name for p in class_folders)
        self.files = [_files(p, ('.png',)) for p in class_folders]
        for folder, files in zip(class_folders, self.files, strict=True):
            if len(files) < 2:
                raise ValueError(
                    f'cut-outs: {folder} holds {len(files)} PNG image(s); '
                    'a class needs at least 2, one for each split'
                )
        self.fingerprint = _hash_files(self.folder, sum(self.files, []))
        self.licence = None

    def load(self, max_side):
        """Return the list of `Cutout`, reduced to `max_side` px at most.

        Raises:
            ValueError: A file is unreadable, has no alpha channel or nothing visible.
        """
        return [
            Cutout(path.relative_to(self.folder).as_posix(), label, _read_cutout(path, max_side))
            for label, files in enumerate(self.files)
            for path in files
        ]


def _read_cutout(path, max_side):
    image = _decode(path, cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4:
        channels = 1 if image.ndim == 2 else image.shape[2]
        raise ValueError(f'cut-outs: {path} has no alpha channel ({channels} channels, not RGBA)')
    if image.dtype == np.uint16:
        image = (image // 257).astype(np.uint8)
    alpha = image[..., 3]
    if alpha.max() < 128:
        raise ValueError(f'cut-outs: {path} shows nothing: its alpha is below one half everywhere')
    x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
    image = cv2.cvtColor(image[y : y + h, x : x + w], cv2.COLOR_BGRA2RGBA)
    alpha = image[..., 3:].astype(np.uint16)
    # Multiplied colours can be interpolated: what lies under alpha 0 then has no say.
    colour = ((image[..., :3] * alpha + 127) // 255).astype(np.uint8)
    return _reduce(np.concatenate([colour, image[..., 3:]], axis=2), max_side)


class SamplePhotographs:
    """The two photographs that scikit-learn ships (640x427)."""

    kind = 'scikit-learn sample photographs'

    def __init__(self):
        from sklearn.datasets import load_sample_images

        data = load_sample_images()
        names = [Path(name).name for name in data.filenames]
        self._photographs = sorted(zip(names, data.images, strict=True), key=lambda p: p[0])
        self.licence = data.DESCR
        pixels = b''.join(image.tobytes() for _, image in self._photographs)
        self.fingerprint = hashlib.sha256(pixels).hexdigest()

    def load(self):
        """Return the list of (name, uint8 RGB (h, w, 3))."""
        return self._photographs


class PhotographFolder:
    """Any tree of photographs.

    Raises:
        FileNotFoundError: The folder is missing or holds no photographs.
    """

    kind = 'folder'

    def __init__(self, folder):
        self.folder = _existing(folder, 'photographs')
        self.files = _files(self.folder, PHOTOGRAPH_SUFFIXES, deep=True)
        if not self.files:
            raise FileNotFoundError(
                f'photographs: no image below {self.folder}; looked for '
                f'{", ".join("*" + suffix for suffix in PHOTOGRAPH_SUFFIXES)}'
            )
        self.fingerprint = _hash_files(self.folder, self.files)
        self.licence = None

    def load(self):
        """Return the list of (name, uint8 RGB (h, w, 3)), reduced to 640 px at most.

        Raises:
            ValueError: A file is unreadable.
        """
        photographs = []
        for path in self.files:
            image = cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            name = path.relative_to(self.folder).as_posix()
            photographs.append((name, _reduce(image, PHOTOGRAPH_SIDE)))
        return photographs


def split_cutouts(cutouts, test_fraction, rng):
    """Return {'train': list, 'test': list}; both hold at least one cut-out of every class."""
    train, test = [], []
    for label in sorted({cutout.label for cutout in cutouts}):
        group = [cutout for cutout in cutouts if cutout.label == label]
        kept, held_out = _deal(group, test_fraction, rng)
        train += kept
        test += held_out
    return dict(train=train, test=test)


def split_photographs(photographs, test_fraction, rng):
    """Return {'train': list, 'test': list} of `Region` that share no pixel.

    Many photographs are dealt out whole; of few, each gives its larger part to training and the
    rest, cut along the longer side, to the test split.

    Raises:
        ValueError: A photograph is too small to be cut.
    """
    regions = [Region(name, 0, 0, pixels) for name, pixels in photographs]
    if len(regions) >= WHOLE_PHOTOGRAPHS:
        train, test = _deal(regions, test_fraction, rng)
        return dict(train=train, test=test)
    pairs = [_cut(region, test_fraction) for region in regions]
    return dict(train=[pair[0] for pair in pairs], test=[pair[1] for pair in pairs])


def _deal(items, test_fraction, rng):
    order = rng.permutation(len(items))
    held_out = min(max(round(test_fraction * len(items)), 1), len(items) - 1)
    train, test = sorted(order[held_out:]), sorted(order[:held_out])
    return [items[i] for i in train], [items[i] for i in test]


def _cut(region, test_fraction):
    """Cut a region in two along its longer side."""
    height, width = region.pixels.shape[:2]
    longer = max(height, width)
    cut = round((1 - test_fraction) * longer)
    if min(height, width, cut, longer - cut) < 2:
        raise ValueError(f'photographs: {region.name} ({width}x{height}) is too small to be split')
    if width >= height:
        first, second, x, y = region.pixels[:, :cut], region.pixels[:, cut:], cut, 0
    else:
        first, second, x, y = region.pixels[:cut], region.pixels[cut:], 0, cut
    return Region(region.name, 0, 0, first), Region(region.name, x, y, second)


def _existing(folder, what):
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{what}: there is no folder {folder}')
    return folder


def _visible(path):
    return not path.name.startswith('.')


def _files(folder, suffixes, deep=False):
    paths = folder.rglob('*') if deep else folder.iterdir()
    return sorted(p for p in paths if p.suffix.lower() in suffixes and _visible(p) and p.is_file())


def _hash_files(folder, files):
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + b'\0')
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _decode(path, flags):
    try:
        with Image.open(path) as header:
            problem = size_problem(*header.size)
    except Exception as error:  # Pillow's decoders know no common one
        problem = f'cannot be read as an image: {error}'
    if problem:
        raise ValueError(f'{path} {problem}')
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), flags)
    if image is None:
        raise ValueError(f'{path} cannot be read as an image')
    return image


def _reduce(image, max_side):
    ratio = max_side / max(image.shape[:2])
    if ratio >= 1:
        return image
    width, height = (max(round(ratio * side), 1) for side in image.shape[1::-1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)

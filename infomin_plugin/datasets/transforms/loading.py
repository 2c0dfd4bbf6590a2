"""Decoding an image file once, to the RGB array that all views share."""

import io
import math
import os

import cv2
import numpy as np
import simplejpeg
from mmcv.transforms import BaseTransform
from PIL import Image, ImageOps

from infomin_plugin.datasets.bounds import MAX_BYTES, size_problem
from infomin_plugin.registry import TRANSFORMS

# What Pillow turns into RGB without losing range. 'I', 'F', 'LAB', ... are refused: their range or
# meaning is the file's own, and a guess would give silently wrong pixels.
_EIGHT_BIT_MODES = {'1', 'L', 'P', 'RGB', 'RGBX', 'RGBA', 'LA', 'PA', 'CMYK', 'YCbCr'}


class ImageError(ValueError):
    """A file that cannot be used as an image; the message names it."""


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith('I;16'):
        # Pillow would clip 16-bit values at 255; the high byte keeps the picture.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert('RGB')
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageError(f'pixels of mode {image.mode!r} are not supported: '
                         'save the image with 8 bits per channel')
    if image.mode == 'P' and 'transparency' in image.info:
        image = image.convert('RGBA')  # straight to RGB works too, but warns
    return image.convert('RGB')


# Pillow's decoders report broken files as OSError, SyntaxError (PNG), ValueError, ... and a header
# that claims an absurd size as DecompressionBombError.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError,
           Image.DecompressionBombError)
_ORIENTATION = 0x0112  # the EXIF tag
# Orientation: whether rows and columns are swapped, and cv2.flip's code of the mirroring after it.
_TURNS = {1: (False, None), 2: (False, 1), 3: (False, -1), 4: (False, 0), 5: (True, None),
          6: (True, 1), 7: (True, -1), 8: (True, 0)}


class EncodedJpeg:
    """A JPEG file in memory that is not decoded yet.

    Args:
        path: Of the file, for errors.
        data: Its bytes.
        size: (width, height) as the header says.
        orientation: EXIF orientation, 1 to 8.

    Attributes:
        shape: (height, width) of the whole image in pixels, after its orientation is applied.
    """

    def __init__(self, path: str, data: bytes, size: tuple[int, int], orientation: int) -> None:
        self.path = path
        self._data = data
        self._size = size
        self._swap, self._mirror = _TURNS[orientation]
        self.shape = size if self._swap else size[::-1]

    def decode(self, max_reduction: float = 1) -> tuple[np.ndarray, int]:
        """Decode at one nth of the size, n the largest of 1, 2, 4, 8 up to ``max_reduction``.

        Returns:
            tuple: The image, (ceil(H / n), ceil(W / n), 3), uint8, RGB, read-only, and n.

        Raises:
            ImageError: If the file is truncated or broken.
        """
        reduction = max(n for n in (1, 2, 4, 8) if n <= max(max_reduction, 1))
        width, height = (math.ceil(side / reduction) for side in self._size)
        try:
            # The decoder takes the smallest scale that reaches these sides.
            img = simplejpeg.decode_jpeg(self._data, 'RGB', min_height=height, min_width=width)
        except ValueError:  # also raised for what Pillow forgives, as stray bytes between segments
            img, reduction = self._decode_leniently(), 1
        if self._swap:
            img = cv2.transpose(img)
        if self._mirror is not None:
            img = cv2.flip(img, self._mirror)
        img.setflags(write=False)
        return img, reduction

    def _decode_leniently(self) -> np.ndarray:
        try:
            with Image.open(io.BytesIO(self._data)) as image:
                return np.array(image.convert('RGB'))
        except _BROKEN as error:
            raise ImageError(f'cannot read image {self.path}: {error}') from error


def _open_jpeg(path: str, data: bytes, image: Image.Image) -> EncodedJpeg | None:
    """Keep a JPEG for later, unless its colours need Pillow (CMYK)."""
    if image.format not in ('JPEG', 'MPO') or image.mode not in ('RGB', 'L'):
        return None
    orientation = image.getexif().get(_ORIENTATION, 1)
    return EncodedJpeg(path, data, image.size, orientation if orientation in _TURNS else 1)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Decode ``results['img_path']``.

    Grey, palette, CMYK and 16-bit grey images become RGB; an alpha channel is dropped, as
    torchvision's and OpenCV's loaders do; of an animation the first frame is taken. The EXIF
    orientation is applied.

    simplejpeg decodes JPEGs: libjpeg-turbo as in Pillow, with the same pixels, but straight into
    an RGB array, at a reduced scale if wanted. It names truncated files, whose missing part OpenCV
    fills with grey. Pillow reads the rest: it tells palette, CMYK, 16-bit and alpha apart.

    Required key: img_path (str).

    Added keys: img (np.ndarray, (H, W, 3), uint8, RGB, read-only: the views share it),
    ori_shape ((H, W)).

    Args:
        reduce: Whether to leave a JPEG undecoded, as an :class:`EncodedJpeg` in ``img``, for
            ``MultiView``: that decodes a large photograph at a half, a quarter or an eighth of its
            size if all crops then still have twice the pixels a side that their views need.

    Raises:
        ImageError: If the file is missing, not an image, truncated, of an unsupported mode, or
            larger than :mod:`infomin_plugin.datasets.bounds` allows, before it is decoded.
    """

    def __init__(self, reduce: bool = False) -> None:
        self.reduce = reduce

    def transform(self, results: dict) -> dict:
        """Decode one file; see the class."""
        path = results['img_path']
        try:
            with open(path, 'rb') as file:
                if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                    raise ImageError(f'it has {size} bytes, at most {MAX_BYTES:,} are read')
                data = file.read()
            with Image.open(io.BytesIO(data)) as image:  # reads the header
                if problem := size_problem(*image.size):
                    raise ImageError(f'it {problem}')
                img = _open_jpeg(path, data, image)
                if img is None:
                    image.load()
                    img = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
                    img.setflags(write=False)
        except _BROKEN as error:  # an ImageError is a ValueError
            raise ImageError(f'cannot read image {path}: {error}') from error
        if isinstance(img, EncodedJpeg) and not self.reduce:
            img, _ = img.decode()
        results['img'] = img
        results['ori_shape'] = img.shape[:2]
        return results

"""Decoding an image file once, to the RGB array that all views share."""

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image, ImageOps

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


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Decode ``results['img_path']``.

    Grey, palette, CMYK and 16-bit grey images become RGB; an alpha channel is dropped, as
    torchvision's and OpenCV's loaders do; of an animation the first frame is taken. The EXIF
    orientation is applied.

    Pillow decodes, not OpenCV: for a truncated file OpenCV returns an image whose missing part is
    grey, while Pillow raises. Pillow also tells palette, CMYK, 16-bit and alpha apart.

    Required key: img_path (str).

    Added keys: img (np.ndarray, (H, W, 3), uint8, RGB, read-only: the views share it),
    ori_shape ((H, W)).

    Raises:
        ImageError: If the file is missing, not an image, truncated or of an unsupported mode.
    """

    def transform(self, results: dict) -> dict:
        """Decode one file; see the class."""
        path = results['img_path']
        try:
            with Image.open(path) as image:
                image.load()
                rgb = _to_rgb(ImageOps.exif_transpose(image))
        # Pillow's decoders report broken files as OSError, SyntaxError (PNG), ValueError, ... and
        # a header that claims an absurd size as DecompressionBombError.
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError,
                Image.DecompressionBombError) as error:
            raise ImageError(f'cannot read image {path}: {error}') from error
        img = np.asarray(rgb)
        img.setflags(write=False)
        results['img'] = img
        results['ori_shape'] = img.shape[:2]
        return results

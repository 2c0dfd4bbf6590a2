"""Every operation on one image, by name: uint8 (H, W, 3), RGB, to a new array.

``transforms.batched`` has the same names for batches on the training device. To add an operation,
write it in the module of its kind and add a row here.
"""

from collections.abc import Callable

from . import filters, pixels, resampling

OPERATIONS: dict[str, Callable] = {
    'crop': resampling.crop,
    'flip': resampling.flip,
    'patches': resampling.patches,
    'rotate': resampling.rotate,
    'shear_x': resampling.shear_x,
    'shear_y': resampling.shear_y,
    'translate_x': resampling.translate_x,
    'translate_y': resampling.translate_y,
    'gaussian_blur': filters.gaussian_blur,
    'box_blur': filters.box_blur,
    'sharpness': filters.sharpness,
    'brightness': pixels.brightness,
    'contrast': pixels.contrast,
    'saturation': pixels.saturation,
    'hue': pixels.hue,
    'grey': pixels.grey,
    'auto_contrast': pixels.auto_contrast,
    'equalize': pixels.equalize,
    'invert': pixels.invert,
    'posterize': pixels.posterize,
    'solarize': pixels.solarize,
    'solarize_add': pixels.solarize_add,
    'color_space': pixels.color_space,
}

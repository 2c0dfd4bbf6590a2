"""The operations of a recipe that follow crop and flip, on batches on the training device.

``transforms.operations`` has the same names for one image. Every function here takes images
(N, 3, H, W), uint8, RGB, on any device, and for each argument an array of N values, one a sample
(M of them have M columns where the argument is a tuple of M). It returns new images of the same
form. Results are within one grey level of those of ``transforms.operations``.

Nothing here waits for the device: what depends on the arguments (weights, positions) is computed
on the host and sent there. To add an operation, write it in the module of its kind and add a row.
"""

from collections.abc import Callable

from . import filters, pixels, resampling

BATCHED_OPERATIONS: dict[str, Callable] = {
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

"""Draws pictures: cut-outs, warped and coloured at random, on crops of photographs."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from .options import SOFT_EDGE

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
PLACING_TRIES = 40


@dataclass
class Instance:
    """An object of a picture.

    Attributes:
        cutout: The `Cutout` that was drawn.
        mask: bool (H, W), what is seen of it: at least half opaque, and not covered.
        full_area: Pixels of the mask before others were drawn over it.
    """

    cutout: object
    mask: np.ndarray
    full_area: int

    @property
    def box(self):
        """x, y, width, height of the mask, 0-based, whole pixels."""
        return cv2.boundingRect(self.mask.view(np.uint8))


@dataclass
class Picture:
    """`image` uint8 RGB (H, W, 3); `instances`; `background` says which crop lies behind them."""

    image: np.ndarray
    background: tuple
    instances: list = field(default_factory=list)


def draw_single(cutout, regions, rng, options):
    """Draw one object, near the middle of a square picture."""
    side = options.object_side
    size = side * rng.uniform(*options.object_scale)
    canvas, background = draw_background(regions, (side, side), rng, options)
    instances = []
    draw_object(canvas, instances, cutout, size, rng, options, spread=0.5)
    return _finish(canvas, background, instances)


def draw_scene(cutouts_by_class, regions, rng, options):
    """Draw some objects that hide at most `options.max_overlap` of each other."""
    canvas, background = draw_background(regions, options.scene_size, rng, options)
    instances = []
    for _ in range(rng.integers(options.scene_objects[0], options.scene_objects[1] + 1)):
        group = cutouts_by_class[rng.integers(len(cutouts_by_class))]
        cutout = group[rng.integers(len(group))]
        size = rng.uniform(*options.scene_object_size)
        draw_object(canvas, instances, cutout, size, rng, options)
    return _finish(canvas, background, instances)


def _finish(canvas, background, instances):
    return Picture(np.clip(np.round(canvas), 0, 255).astype(np.uint8), background, instances)


def draw_background(regions, size, rng, options):
    """Crop a region at random; blur it, pull it towards a grey and shift its colour.

    Args:
        regions (list[Region]): What to crop from; nothing outside of a region is ever read, not
            by the blur either, so that no pixel of one split reaches the other.
        size (tuple[int, int]): Width and height.

    Returns:
        float32 RGB (height, width, 3) in 0...255, and (name, x, y, width, height) of the crop in
        its photograph.
    """
    region = regions[rng.integers(len(regions))]
    width, height = size
    free_height, free_width = region.pixels.shape[:2]
    ratio = min(free_width / width, free_height / height) * rng.uniform(*options.background_crop)
    crop_width, crop_height = max(int(ratio * width), 1), max(int(ratio * height), 1)
    x = int(rng.integers(free_width - crop_width + 1))
    y = int(rng.integers(free_height - crop_height + 1))
    crop = region.pixels[y : y + crop_height, x : x + crop_width]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    shrinks = crop_width > width
    image = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if options.background_blur > 0:
        image = cv2.GaussianBlur(image, (0, 0), options.background_blur)
    image = image.astype(np.float32)
    # Contrast about one grey, not about the crop's mean: a background of a colour of its own
    # identifies its image, and contrastive learning then ignores the object.
    shift = rng.uniform(-options.background_shift, options.background_shift, size=3)
    level = (options.background_level + shift).astype(np.float32)
    image = level + options.background_contrast * (image - options.background_level)
    corner = (region.x + x, region.y + y)
    return np.clip(image, 0, 255), (region.name, *corner, crop_width, crop_height)


def draw_object(canvas, instances, cutout, size, rng, options, spread=1.0):
    """Draw one more object on a canvas, where it hides little of the others, or not at all.

    Args:
        canvas: float32 RGB (H, W, 3), drawn on.
        instances (list[Instance]): Gains the new object; the masks of others lose what it hides.
        size: Longest side of the object, px.
        spread: Part of the free room around the middle of the canvas in which it may lie, 0...1.

    Returns:
        Whether a place was found.
    """
    pixels = warp_cutout(cutout, size, rng, options)
    alpha = (pixels if pixels.ndim == 2 else pixels[..., 3]).astype(np.float32) / 255
    solid = alpha >= 0.5
    place = _find_place(canvas.shape[:2], solid, instances, rng, options.max_overlap, spread)
    if place is None:
        return False
    patch = canvas[place]
    if pixels.ndim == 2:
        behind = float((patch[solid] @ LUMA).mean())
        premultiplied = alpha[..., None] * contrasting_colour(behind, rng, options)
    else:
        premultiplied = pixels[..., :3].astype(np.float32)
    patch *= 1 - alpha[..., None]
    patch += premultiplied
    mask = np.zeros(canvas.shape[:2], dtype=bool)
    mask[place] = solid
    for other in instances:
        other.mask &= ~mask
    instances.append(Instance(cutout, mask, int(solid.sum())))
    return True


def _find_place(canvas_shape, solid, instances, rng, max_overlap, spread):
    """Slices (rows, columns) of the canvas for a patch, or None."""
    height, width = solid.shape
    room = np.array(canvas_shape) - solid.shape
    for _ in range(PLACING_TRIES):
        share = 0.5 + spread * (rng.random(2) - 0.5)
        top, left = (int(v) for v in np.round(share * room))
        place = (slice(top, top + height), slice(left, left + width))
        if all(_seen(other, place, solid) >= 1 - max_overlap for other in instances):
            return place
    return None


def _seen(instance, place, solid):
    """Part of an object that stays visible under a patch."""
    hidden = int((instance.mask[place] & solid).sum())
    return (int(instance.mask.sum()) - hidden) / instance.full_area


def warp_cutout(cutout, size, rng, options):
    """Rotate, shear, stretch and scale a cut-out at random.

    Args:
        size: Longest side of what is at least half opaque, px.

    Returns:
        uint8 (h, w, 4) or (h, w), as `Cutout.pixels`, with the soft edge and little else around.
    """
    angle = np.deg2rad(rng.uniform(-options.rotation, options.rotation))
    shear = rng.uniform(-options.shear, options.shear)
    aspect = (1 + options.stretch) ** rng.uniform(-0.5, 0.5)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotate @ np.array([[aspect, shear], [0, 1 / aspect]])

    solid = (cutout.alpha >= 128).view(np.uint8)
    outline = cv2.convexHull(cv2.findNonZero(solid)).reshape(-1, 2)  # x, y
    extent = np.ptp(outline @ matrix.T, axis=0) + 1
    scale = size / extent.max()

    pixels = cutout.pixels
    if scale < 1:
        # Reduce first: the warp reads four neighbours and would miss pixels of a larger image.
        height, width = (max(round(scale * side), 1) for side in pixels.shape[:2])
        zoom = np.array([width / pixels.shape[1], height / pixels.shape[0]])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    else:
        zoom = np.ones(2)
    matrix = scale * matrix / zoom
    outline = (outline * zoom) @ matrix.T
    low = outline.min(axis=0) - SOFT_EDGE
    width, height = np.ceil(np.ptp(outline, axis=0)).astype(int) + 2 * SOFT_EDGE + 1
    affine = np.column_stack([matrix, -low])
    return cv2.warpAffine(pixels, affine, (int(width), int(height)), flags=cv2.INTER_LINEAR)


def contrasting_colour(behind, rng, options):
    """Draw a colour whose luminance is at least `options.min_contrast` away from `behind`.

    Args:
        behind: Luminance of what the colour lies on, 0...255.

    Returns:
        float32 (3,), RGB, 0...255.
    """
    darker = max(behind - options.min_contrast, 0)
    lighter = max(255 - behind - options.min_contrast, 0)
    # 0...darker, or as far below the maximum, each luminance with the same probability.
    luminance = rng.uniform(0, darker + lighter)
    if luminance > darker:
        luminance = 255 - (luminance - darker)
    hue = rng.normal(size=3)
    hue -= hue @ LUMA  # adding it changes no luminance
    room = np.where(hue > 0, 255 - luminance, luminance) / np.abs(hue)
    colour = luminance + options.saturation * rng.random() * room.min() * hue
    return colour.astype(np.float32)

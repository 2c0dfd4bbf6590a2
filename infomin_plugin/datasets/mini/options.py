"""What can be set about a mini set."""

from dataclasses import dataclass, field, fields

# Soft edges reach a little beyond the half-opaque outline that an object's size is measured on.
SOFT_EDGE = 2  # px


def _option(default, text):
    """A dataclass field whose text becomes the help of the command line."""
    return field(default=default, metadata=dict(help=text))


@dataclass(frozen=True)
class MiniOptions:
    """Counts, sizes and looks of a mini set; all sizes in pixels of the written images.

    Raises:
        ValueError: A count is negative, a range is reversed or out of bounds, or the objects do
            not fit into the images. The message names the option.
    """

    objects: int = _option(6000, 'unlabelled single objects')
    pretrain: int = _option(200, 'unlabelled scenes')
    classify_train: int = _option(1000, 'labelled single objects for training, over all classes')
    classify_test: int = _option(500, 'labelled single objects for testing, over all classes')
    trainval: int = _option(60, 'annotated scenes for training')
    test: int = _option(200, 'annotated scenes for testing')

    object_side: int = _option(64, 'side of a single-object image')
    object_scale: tuple[float, float] = _option(
        (0.6, 0.75), 'longest side of the object relative to that of its image'
    )
    scene_size: tuple[int, int] = _option((160, 128), 'width and height of a scene')
    scene_objects: tuple[int, int] = _option((1, 4), 'fewest and most objects of a scene')
    scene_object_size: tuple[int, int] = _option((24, 56), 'longest side of an object of a scene')
    max_overlap: float = _option(0.05, 'largest hidden fraction of an object of a scene')

    rotation: float = _option(12.0, 'largest rotation of an object, degrees')
    shear: float = _option(0.15, 'largest horizontal shear of an object')
    stretch: float = _option(0.15, 'largest change of the aspect of an object')
    min_contrast: float = _option(
        100.0, 'least difference in luminance (of 255) between a drawn colour and what is behind it'
    )
    saturation: float = _option(0.1, 'largest saturation of a drawn colour, 0 is grey')
    background_blur: float = _option(6.0, 'Gaussian sigma of the blur of a background, 0 is sharp')
    background_level: float = _option(45.0, 'grey (of 255) that backgrounds are pulled towards')
    background_contrast: float = _option(
        0.12, 'contrast of a background about that grey: 1 as in the photograph, 0 plain'
    )
    background_shift: float = _option(4.0, 'largest change (of 255) of a channel of a background')
    background_crop: tuple[float, float] = _option(
        (0.3, 1.0), 'side of a background crop relative to the largest that fits'
    )
    test_fraction: float = _option(0.28, 'part of cut-outs and photographs kept for the test split')

    def __post_init__(self):
        for each in fields(self):
            if isinstance(each.default, tuple):
                self._check_range(each.name)
        for name in ('objects', 'pretrain', 'classify_train', 'classify_test', 'trainval', 'test'):
            self._check(name, getattr(self, name) >= 0, 'at least 0')
        for name in ('rotation', 'shear', 'stretch'):
            self._check(name, getattr(self, name) >= 0, 'at least 0')
        for name in (
            'background_blur', 'background_contrast', 'background_level', 'background_shift'
        ):
            self._check(name, getattr(self, name) >= 0, 'at least 0')
        for name in ('max_overlap', 'saturation'):
            self._check(name, 0 <= getattr(self, name) <= 1, 'from 0 to 1')
        self._check('test_fraction', 0 < self.test_fraction < 1, 'between 0 and 1')
        # Below half of 255 a colour that differs enough exists for every background.
        self._check('min_contrast', 0 <= self.min_contrast <= 127, 'from 0 to 127')
        self._check('scene_objects', self.scene_objects[0] >= 1, 'at least 1')
        self._check('scene_object_size', self.scene_object_size[0] >= 8, 'at least 8')
        self._check('object_scale', self.object_scale[0] * self.object_side >= 8, 'at least 8 px')
        self._check('background_crop', 0 < self.background_crop[0], 'above 0')
        self._check('background_crop', self.background_crop[1] <= 1, 'at most 1')
        self._check_fits('object_scale', self.largest_single, self.object_side)
        self._check_fits('scene_object_size', self.scene_object_size[1], min(self.scene_size))

    @property
    def largest_single(self):
        """Longest side that the object of a single-object image can have, px."""
        return self.object_side * self.object_scale[1]

    def _check(self, name, good, bound):
        if not good:
            raise ValueError(f'{name} must be {bound}, got {getattr(self, name)}')

    def _check_range(self, name):
        value = getattr(self, name)
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise ValueError(f'{name} must be two numbers, got {value!r}')
        object.__setattr__(self, name, tuple(value))
        if name != 'scene_size':
            self._check(name, value[0] <= value[1], 'a range, smaller number first')

    def _check_fits(self, name, size, side):
        if size + 2 * SOFT_EDGE + 1 > side:
            raise ValueError(
                f'{name}: an object of up to {size:g} px with its soft edge of {SOFT_EDGE} px '
                f'does not fit into an image of {side} px'
            )

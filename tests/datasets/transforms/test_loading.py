"""Decoding: every kind of file is read right, or refused by name."""

import numpy as np
import pytest
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms import ImageError, LoadImage


def load(path):
    return LoadImage()(dict(img_path=str(path)))['img']


def test_rgb_is_read_as_it_is(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / 'a.png')
    out = LoadImage()(dict(img_path=str(tmp_path / 'a.png')))
    np.testing.assert_array_equal(out['img'], photo)
    assert out['img'].dtype == np.uint8
    assert out['ori_shape'] == (160, 200)


def test_decoded_image_is_read_only(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / 'a.png')
    with pytest.raises(ValueError, match='read-only'):
        load(tmp_path / 'a.png')[0] = 0


@pytest.mark.parametrize('mode, name, tolerance', [
    ('L', 'a.png', 0), ('1', 'a.png', 0), ('P', 'a.png', 0), ('LA', 'a.png', 0),
    ('RGBA', 'a.png', 0), ('P', 'a.gif', 0), ('L', 'a.jpg', 20), ('CMYK', 'a.tif', 0),
    ('CMYK', 'a.jpg', 40), ('RGB', 'a.webp', 60), ('RGB', 'a.bmp', 0),
])
def test_modes_become_rgb(photo, tmp_path, mode, name, tolerance):
    image = Image.fromarray(photo).convert(mode)
    image.save(tmp_path / name, **({} if tolerance == 0 else dict(quality=95)))
    out = load(tmp_path / name)
    assert out.shape == photo.shape and out.dtype == np.uint8
    error = np.abs(out.astype(int) - np.asarray(image.convert('RGB')))
    assert error.max() <= tolerance
    assert error.mean() <= tolerance / 8


def test_alpha_is_dropped_not_blended(photo, tmp_path):
    image = Image.fromarray(photo)
    image.putalpha(0)
    image.save(tmp_path / 'a.png')
    np.testing.assert_array_equal(load(tmp_path / 'a.png'), photo)


def test_transparent_palette(photo, tmp_path):
    image = Image.fromarray(photo).quantize(16)
    image.save(tmp_path / 'a.png', transparency=3)
    np.testing.assert_array_equal(load(tmp_path / 'a.png'), np.asarray(image.convert('RGB')))


def test_16_bit_grey_keeps_the_high_byte(tmp_path):
    levels = np.arange(256, dtype=np.uint16) * 256 + 255 - np.arange(256, dtype=np.uint16)
    Image.fromarray(np.tile(levels, (4, 1))).save(tmp_path / 'a.png')
    out = load(tmp_path / 'a.png')
    np.testing.assert_array_equal(out, np.tile(np.arange(256)[None, :, None], (4, 1, 3)))


@pytest.mark.parametrize('orientation, top_left', [
    (1, 0), (2, 1), (3, 3), (4, 2), (5, 0), (6, 2), (7, 3), (8, 1)])
def test_exif_orientation_is_applied(tmp_path, orientation, top_left):
    # Quadrants of grey levels 0, 60 / 120, 180. As the EXIF standard says, orientation 6 is shown
    # turned clockwise: the lower left quadrant comes to the upper left.
    quadrants = np.kron([[0, 60], [120, 180]], np.ones((16, 24))).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(quadrants).save(tmp_path / 'a.jpg', quality=95, exif=exif)
    out = load(tmp_path / 'a.jpg')
    assert out.shape == ((48, 32, 3) if orientation >= 5 else (32, 48, 3))
    assert abs(int(out[4, 4, 0]) - 60 * top_left) <= 3


@pytest.mark.parametrize('shape', [(1, 50, 3), (50, 1, 3), (1, 1, 3)])
def test_narrow_images_are_read(tmp_path, shape):
    Image.fromarray(np.full(shape, 9, np.uint8)).save(tmp_path / 'a.png')
    assert load(tmp_path / 'a.png').shape == shape


def test_20_megapixels_are_read(tmp_path):
    Image.new('RGB', (5200, 3900), (9, 8, 7)).save(tmp_path / 'a.jpg')
    assert load(tmp_path / 'a.jpg').shape == (3900, 5200, 3)


@pytest.mark.parametrize('mode', ['I', 'F', 'LAB'])
def test_pixels_of_unknown_range_are_refused(tmp_path, mode):
    Image.new(mode, (8, 8)).save(tmp_path / 'odd.tif')
    with pytest.raises(ImageError, match=rf"odd\.tif.*mode '{mode}'.*8 bits per channel"):
        load(tmp_path / 'odd.tif')


@pytest.mark.parametrize('name, options', [
    ('a.jpg', {}), ('a.jpg', dict(progressive=True)), ('a.png', {}), ('a.webp', {}), ('a.bmp', {}),
    ('a.tif', {}), ('a.gif', {}),
], ids=str)
@pytest.mark.parametrize('share', [0, 0.01, 0.3, 0.9, 0.99])
def test_truncated_files_are_refused_by_name(photo, tmp_path, name, options, share):
    Image.fromarray(photo).save(tmp_path / name, **options)
    whole = (tmp_path / name).read_bytes()
    load(tmp_path / name)
    (tmp_path / name).write_bytes(whole[:int(len(whole) * share)])
    with pytest.raises(ImageError, match=f'cannot read image .*{name}'):
        load(tmp_path / name)


def test_other_files_are_refused_by_name(tmp_path):
    (tmp_path / 'notes.jpg').write_text('not an image')
    for name in ('notes.jpg', 'missing.jpg'):
        with pytest.raises(ImageError, match=name):
            load(tmp_path / name)
    with pytest.raises(ImageError, match=tmp_path.name):
        load(tmp_path)


def lazily(path):
    return LoadImage(reduce=True)(dict(img_path=str(path)))['img']


def photographs(path, width, height, **options):
    """A photograph at another size, as a JPEG."""
    image = Image.fromarray(load_sample_images().images[0]).resize((width, height))
    image.save(path, quality=95, **options)
    return image


def test_reduced_decoding_is_the_resized_image(tmp_path):
    photographs(tmp_path / 'a.jpg', 1200, 803)
    jpeg, whole = lazily(tmp_path / 'a.jpg'), load(tmp_path / 'a.jpg')
    assert jpeg.shape == (803, 1200)
    for wanted, reduction in [(0.7, 1), (1.99, 1), (2, 2), (3.9, 2), (4, 4), (100, 8)]:
        img, got = jpeg.decode(wanted)
        assert got == reduction
        assert img.shape == (-(-803 // reduction), -(-1200 // reduction), 3)
        expected = Image.fromarray(whole).resize(img.shape[1::-1], Image.Resampling.BOX)
        assert np.abs(img.astype(int) - np.asarray(expected)).mean() < 6
    np.testing.assert_array_equal(jpeg.decode(1)[0], whole)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation_of_a_reduced_image(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photographs(tmp_path / 'a.jpg', 640, 480, exif=exif)
    jpeg = lazily(tmp_path / 'a.jpg')
    assert jpeg.shape == load(tmp_path / 'a.jpg').shape[:2]
    small, _ = jpeg.decode(4)
    with Image.open(tmp_path / 'a.jpg') as image:
        expected = ImageOps.exif_transpose(image).resize(small.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(small.astype(int) - np.asarray(expected)).mean() < 6


def test_what_is_no_plain_jpeg_is_decoded_at_once(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / 'a.png')
    Image.fromarray(photo).convert('CMYK').save(tmp_path / 'b.jpg')
    for name in ('a.png', 'b.jpg'):
        np.testing.assert_array_equal(lazily(tmp_path / name), load(tmp_path / name))


def test_stray_bytes_that_pillow_forgives_are_forgiven(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / 'a.jpg')
    data = (tmp_path / 'a.jpg').read_bytes()
    start = data.index(b'\xff\xdb')  # the first quantisation table
    (tmp_path / 'b.jpg').write_bytes(data[:start] + b'\0\0\0' + data[start:])
    np.testing.assert_array_equal(load(tmp_path / 'b.jpg'), load(tmp_path / 'a.jpg'))
    np.testing.assert_array_equal(lazily(tmp_path / 'b.jpg').decode(8)[0], load(tmp_path / 'a.jpg'))


def test_a_file_that_breaks_off_is_refused_by_name_when_decoded_later(photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / 'a.jpg')
    (tmp_path / 'a.jpg').write_bytes((tmp_path / 'a.jpg').read_bytes()[:-200])
    with pytest.raises(ImageError, match='cannot read image .*a.jpg.*truncated'):
        lazily(tmp_path / 'a.jpg').decode()

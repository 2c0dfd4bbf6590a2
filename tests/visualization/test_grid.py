"""Layout of captioned images."""

import numpy as np
import pytest

from infomin_plugin.visualization.grid import Panel, draw_grid

RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def plane(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def extent(picture, colour):
    """(top, left, height, width) of the pixels of a colour, which fill that rectangle."""
    found = (picture == colour).all(-1)
    rows, columns = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
    assert found[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1].all()
    return rows[0], columns[0], rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]


def test_images_are_scaled_to_one_height():
    picture = draw_grid([[Panel(plane(10, 10, RED)), Panel(plane(80, 160, GREEN))]], 40)
    assert extent(picture, RED) == (4, 4, 40, 40)
    assert extent(picture, GREEN) == (4, 48, 40, 80)
    assert picture.shape == (48, 132, 3)


def test_a_column_is_as_wide_as_its_widest_image_and_rows_may_be_short():
    picture = draw_grid([[Panel(plane(10, 20, RED)), Panel(plane(10, 10, GREEN))],
                         [Panel(plane(10, 10, BLUE))]], 40)
    assert extent(picture, GREEN) == (4, 88, 40, 40)
    assert extent(picture, BLUE) == (48, 4, 40, 40)
    assert (picture[48:, 44:] == 255).all()


def test_a_panorama_is_shown_less_high():
    picture = draw_grid([[Panel(plane(10, 2000, RED)), Panel(plane(10, 10, GREEN))]], 40)
    assert extent(picture, RED) == (4, 4, 1, 120)
    assert extent(picture, GREEN)[2:] == (40, 40)


def test_a_line_of_pixels_can_be_shown():
    picture = draw_grid([[Panel(plane(500, 1, RED), box=(0, 0, 500, 1)), Panel(plane(1, 1, BLUE))]],
                        40)
    assert extent(picture, BLUE)[2:] == (40, 40)


def test_a_caption_is_above_its_image_and_fits_into_the_column():
    picture = draw_grid([[Panel(plane(10, 10, RED), ('a long line of text', 'b')),
                          Panel(plane(10, 10, GREEN))]], 40)
    top, left = extent(picture, RED)[:2]
    assert extent(picture, GREEN)[0] == top
    ink = picture.min(-1)[:top] < 128
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    assert rows[-1] - rows[0] > 14  # two lines
    assert columns[0] - left < 4
    assert 44 < columns[-1] < extent(picture, GREEN)[1]


def test_letters_beyond_ascii_are_drawn():
    first, second = (draw_grid([[Panel(plane(10, 10, RED), (text, ))]], 40) for text in 'äö')
    assert not np.array_equal(first, second)


def test_a_block_is_set_off_by_a_line():
    red, green, blue = (Panel(plane(10, 10, colour)) for colour in (RED, GREEN, BLUE))
    rows = [[red, green._replace(block=True)], [blue._replace(block=True)]]
    picture = draw_grid(rows, 40)
    right, below = extent(picture, GREEN)[1], extent(picture, BLUE)[0]
    assert right > 48 and below > 48
    assert (picture[4:44, 44:right] < 255).all(-1).any(1).all()
    assert (picture[44:below] < 255).all(-1).any(0).all()
    blocks_first = draw_grid([[panel._replace(block=True) for panel in (red, )]], 40)
    np.testing.assert_array_equal(blocks_first, draw_grid([[red]], 40))


@pytest.mark.parametrize('image_side', [40, 400])
def test_a_box_is_outlined_at_the_scale_of_the_picture(image_side):
    zoom = image_side // 40
    box = tuple(zoom * side for side in (10, 5, 20, 30))  # rows 10 to 30, columns 5 to 35
    image = plane(image_side, image_side, RED)
    picture = draw_grid([[Panel(image, box=box)]], 40)[4:44, 4:44]
    rows, columns = np.nonzero((picture == (255, 255, 0)).all(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 30, 5, 35)
    inside = (rows > 12) & (rows < 28) & (columns > 7) & (columns < 33)
    assert not inside.any()
    assert (picture[15:25, 10:30] == RED).all() and (picture[:8] == RED).all()
    assert (image == RED).all()  # the panel's image is not drawn into


def test_a_box_around_the_whole_image_is_seen():
    picture = draw_grid([[Panel(plane(40, 40, RED), box=(0, 0, 40, 40))]], 40)[4:44, 4:44]
    bright = (picture == (255, 255, 0)).all(-1)
    assert bright[:3].any(0)[3:-3].all() and bright[-3:].any(0)[3:-3].all()
    assert bright[:, :3].any(1)[3:-3].all() and bright[:, -3:].any(1)[3:-3].all()

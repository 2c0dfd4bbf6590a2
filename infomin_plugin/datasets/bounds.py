"""How large an image may be that somebody else has sent."""

# JPEG's own limit of a side
MAX_SIDE = 65_535
# Pixels; the number from which Pillow warns: 256 MB of RGB, what a worker can hold once or twice.
MAX_PIXELS = 1024 * 1024 * 1024 // 4 // 3

# Of an image file: twice the bytes of that many pixels, uncompressed.
MAX_BYTES = 6 * MAX_PIXELS


def size_problem(width: int, height: int) -> str:
    """What is wrong with the size of an image; empty if nothing is.

    Args:
        width (int): In pixels.
        height (int): In pixels.
    """
    if width < 1 or height < 1:
        return f'has no pixels ({width}x{height})'
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        return (f'is of {width}x{height} pixels; at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} '
                'in all are read')
    return ''

"""Masks of annotations in COCO form, looked at before pycocotools allocates for them.

It is written in C and believes what it reads: a run-length code that is longer than its image is
written beyond the image's memory, and an outline takes memory for each of its pixels.
"""

from typing import Any

# Pixels of an object's outlines: 40 MB in pycocotools, which draws them five times enlarged; more
# than 150 times around an image of 1,600 px a side.
MAX_OUTLINE = 1_000_000


def mask_problem(segmentation: Any, width: int, height: int) -> str:
    """What is wrong with a mask; empty if nothing is.

    Args:
        segmentation (Any): Polygons, as ``[[x, y, x, y, …], …]``, or a run-length code, as
            ``dict(size=[height, width], counts=…)``, of numbers or in COCO's compressed form.
        width (int): Of the image, at most :data:`~infomin_plugin.datasets.bounds.MAX_SIDE`.
        height (int): Of the image.
    """
    if isinstance(segmentation, dict):
        return _code_problem(segmentation, width, height)
    if not isinstance(segmentation, list):
        return f'is a {type(segmentation).__name__} instead of polygons or a run-length code'
    side, outline = max(width, height), 0
    for polygon in segmentation:
        if not isinstance(polygon, list) or not _NUMBERS.issuperset(map(type, polygon)):
            return 'has a polygon that is no list of numbers'
        if not all(-side <= place <= 2 * side for place in polygon):
            return f'has a polygon far outside its image of {width}x{height} pixels'
        # exactly only where it can matter: between two points lie at most three sides
        outline += (_outline(polygon) if len(polygon) * 3 * side > MAX_OUTLINE else
                    len(polygon) * side)
    if outline > MAX_OUTLINE and sum(map(_outline, segmentation)) > MAX_OUTLINE:
        return f'has outlines of more than {MAX_OUTLINE:,} pixels'
    return ''


_NUMBERS = frozenset({int, float})


def _outline(polygon: list[float]) -> float:
    """Pixels along a closed outline."""
    points = list(zip(polygon[::2], polygon[1::2], strict=False))
    return sum(max(abs(x2 - x1), abs(y2 - y1)) + 1
               for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True))


def _code_problem(code: dict, width: int, height: int) -> str:
    if code.get('size') != [height, width]:
        return f'is a run-length code of another size than its image, {width}x{height}'
    counts = code.get('counts')
    if isinstance(counts, str):
        try:
            counts = _expanded(counts)
        except ValueError as error:
            return str(error)
    if not isinstance(counts, list) or not all(
            type(count) is int and 0 <= count <= width * height for count in counts):
        return 'is a run-length code of other than numbers of pixels'
    if sum(counts) != width * height:
        return (f'is a run-length code of {sum(counts)} pixels, but its image of {width}x{height} '
                f'has {width * height}')
    return ''


def _expanded(text: str) -> list[int]:
    """Undo COCO's compression: five bits a letter, lowest first; differences to the last but one.

    Raises:
        ValueError: If it is no such text.
    """
    counts, value, shift = [], 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError('is a run-length code of other letters than COCO writes')
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError('is a run-length code that is cut short')
    return counts

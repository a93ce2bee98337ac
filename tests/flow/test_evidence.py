"""The digits of a field on its strip, however the page lay on the scanner."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.flow.drawing import GREEN, ORANGE
from docproc.flow.evidence import decode_strip, draw_evidence, lay_boxes, shrink
from docproc.types import Box, Digit, Gray, Reading

UPRIGHT = (Box(20, 10, 20, 30), Box(100, 10, 30, 30))
"""Two digits on a strip of 200 by 50."""


def turn(box: Box, quarters: int) -> Box:
    """Where a box of the upright field lies in a field turned clockwise so often."""
    x, y, width, height, across, down = *box, 200, 50
    for _ in range(quarters):
        x, y, width, height, across, down = down - y - height, x, height, width, down, across
    return Box(x, y, width, height)


def read(boxes: tuple[Box, ...], size: tuple[int, int]) -> Reading:
    digits = tuple(
        Digit(str(place), 0.7, Box(box.x + 1000, box.y + 500, box.width, box.height), (("9", 0.2), ("none", 0.1)))
        for place, box in enumerate(boxes)
    )
    return Reading("a", "value", "01", 0.9, False, (), Box(1000, 500, *size), digits)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_boxes_lie_on_the_digits_whichever_way_the_page_lay(quarters: int) -> None:
    size = (200, 50) if quarters % 2 == 0 else (50, 200)
    reading = read(tuple(turn(box, quarters) for box in UPRIGHT), size)
    assert lay_boxes(reading, (50, 200)) == list(UPRIGHT)
    # a strip of another resolution than the stored page
    assert lay_boxes(reading, (100, 400)) == [Box(*(2 * side for side in box)) for box in UPRIGHT]


def test_boxes_that_reach_out_end_at_the_edge() -> None:
    (box,) = lay_boxes(read((Box(-5, -5, 300, 90),), (200, 50)), (50, 200))
    assert box == Box(0, 0, 200, 50)


def test_the_picture_has_the_strip_and_a_longer_bar_for_a_likelier_digit() -> None:
    strip: Gray = np.full((50, 200), 255, np.uint8)
    picture = draw_evidence(strip, read(UPRIGHT, (200, 50)))
    below = picture[290:]
    sure, doubtful = (int((below == color).all(2).sum()) for color in (GREEN, ORANGE))
    assert picture.shape[1] == 960 + 48
    # 70 % against 20 %
    assert 3 * doubtful < sure < 4 * doubtful


def test_a_field_without_digits_is_drawn_alone() -> None:
    reading = Reading("a", "blank", "", 0.0, False, (), Box(0, 0, 200, 50))
    assert draw_evidence(np.full((50, 200), 255, np.uint8), reading).shape == (288, 1008, 3)


def test_only_pictures_are_decoded() -> None:
    _, data = cv2.imencode(".png", np.full((5, 7), 9, np.uint8))
    gray = decode_strip(data.tobytes())
    assert gray is not None
    assert gray.shape == (5, 7)
    assert decode_strip(b"") is None
    assert decode_strip(b"\x89PNG but no more") is None
    bomb = data.tobytes()[:16] + (60_000).to_bytes(4, "big") * 2 + data.tobytes()[24:]
    assert decode_strip(bomb) is None


def test_a_preview_has_whole_lines_of_half_blocks() -> None:
    assert shrink(np.zeros((50, 200), np.uint8), 80).shape == (20, 80)
    assert shrink(np.zeros((1, 3000), np.uint8), 80).shape == (2, 80)
    assert shrink(np.zeros((9, 5), np.uint8), 80).shape == (8, 5)

"""The row of a field as a picture: always as high, wherever in the field it stands and whatever sticks out of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from docproc.segment.line import HEIGHT, MOST_WIDTH, draw_line
from docproc.types import Gray


def field_of(top: int = 40, left: int = 30, shade: int = 60) -> tuple[Gray, NDArray[np.bool_]]:
    """Three bars, 50 pixels high, in a field of 300x150; a printed line below them is no ink of the row."""
    gray = np.full((150, 300), 255, np.uint8)
    for i in range(3):
        cv2.rectangle(gray, (left + 40 * i, top), (left + 40 * i + 8, top + 49), shade, -1)
    ink = gray < 128
    cv2.line(gray, (0, top + 54), (299, top + 54), 100, 1)
    return gray, np.asarray(ink)


def high(plane: NDArray[np.uint8]) -> int:
    return int((plane.max(1) > 128).sum())


@pytest.mark.parametrize("top", [0, 40, 100])
def test_row_is_as_high_anywhere_in_its_field(top: int) -> None:
    line = draw_line(*field_of(top))
    assert line.shape == draw_line(*field_of()).shape
    assert line.shape[:2] == (2, HEIGHT)
    assert high(line[1]) == pytest.approx(HEIGHT / 1.3, abs=1.5)


def test_planes_show_what_is_there_and_what_of_it_is_ink() -> None:
    line = draw_line(*field_of())
    assert line[0, -3:].max() > 60
    assert line[1, -3:].max() == 0
    assert ((line[1] > 128).any(0)[1:] & ~(line[1] > 128).any(0)[:-1]).sum() == 3


def test_pale_ink_becomes_as_dark_as_any() -> None:
    pale = draw_line(*field_of(shade=120))[0]
    assert pale.max() == draw_line(*field_of())[0].max() == 255


def test_fringe_of_a_stroke_does_not_make_the_digits_small() -> None:
    gray, ink = field_of()
    cv2.line(gray, (250, 30), (250, 99), 60, 1)
    assert high(draw_line(gray, ink | (gray < 80))[1][:, :60]) == high(draw_line(gray, ink)[1])


def test_no_ink_is_no_picture_and_endless_ink_a_bounded_one() -> None:
    blank = np.zeros((50, 80), bool)
    assert draw_line(np.full((50, 80), 255, np.uint8), blank).shape == (2, HEIGHT, 0)
    assert draw_line(np.zeros((20, 5000), np.uint8), np.ones((20, 5000), bool)).shape == (2, HEIGHT, MOST_WIDTH)

"""What is writing in a field, what is dust, and how thick and high the writing is."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.segment.components import estimate_stroke, find_components
from docproc.types import Box, Gray, Ink


def paper(height: int = 120, width: int = 400) -> Gray:
    return np.zeros((height, width), np.uint8)


def digits(canvas: Gray, xs: tuple[int, ...], top: int = 30, height: int = 60) -> Ink:
    """Upright strokes 6 pixels wide with a foot: as high and as thick as digits."""
    for x in xs:
        canvas[top : top + height, x : x + 6] = 255
        canvas[top + height - 6 : top + height, x : x + 25] = 255
    return canvas > 0


def test_components_are_labelled_with_their_boxes_and_areas() -> None:
    found = find_components(digits(paper(), (20, 90)))
    assert sorted(found.boxes) == [Box(20, 30, 25, 60), Box(90, 30, 25, 60)]
    for number, (box, area) in enumerate(zip(found.boxes, found.areas, strict=True), 1):
        inside = found.labels[box.y : box.bottom, box.x : box.right] == number
        assert inside.sum() == area == (found.labels == number).sum()
    assert found.height == 60


def test_strokes_joined_by_a_corner_only_are_one() -> None:
    canvas = paper()
    canvas[30:60, 50:56] = 255
    canvas[60:90, 56:62] = 255
    assert len(find_components(canvas > 0).boxes) == 1


def test_specks_are_dropped_and_dots_of_the_pen_kept() -> None:
    canvas = paper()
    digits(canvas, (20, 90, 160))
    canvas[50:52, 60:62] = 255
    canvas[80:86, 130:136] = 255
    found = find_components(canvas > 0)
    assert found.labels[51, 61] == 0
    assert found.labels[82, 132] > 0
    assert len(found.boxes) == 4


def test_what_stands_above_or_below_the_row_of_writing_is_left_out() -> None:
    canvas = paper(200)
    digits(canvas, (20, 90, 160, 230), top=70)
    canvas[10:40, 100:106] = 255
    canvas[150:190, 200:208] = 255
    canvas[120:140, 130:136] = 255
    found = find_components(canvas > 0)
    assert sorted(box.x for box in found.boxes) == [20, 90, 130, 160, 230]
    assert not found.labels[:60].any()
    assert not found.labels[145:].any()


def test_of_two_rows_the_one_with_more_ink_is_the_writing() -> None:
    canvas = paper(200)
    digits(canvas, (20, 90), top=10)
    digits(canvas, (20, 90, 160, 230), top=110)
    found = find_components(canvas > 0)
    assert len(found.boxes) == 4
    assert all(box.y == 110 for box in found.boxes)


def test_small_marks_do_not_say_how_high_the_writing_is() -> None:
    canvas = paper()
    digits(canvas, (20, 90))
    for x in (60, 130, 140, 150, 160):
        canvas[80:90, x : x + 6] = 255
    assert find_components(canvas > 0).height == 60


@pytest.mark.parametrize("shape", [(120, 400), (1, 1), (1, 50)])
def test_field_without_ink_has_no_components(shape: tuple[int, int]) -> None:
    found = find_components(np.zeros(shape, bool))
    assert (found.boxes, found.areas, found.height, found.stroke) == ((), (), 0, 0)
    assert found.labels.shape == shape


WIDTHS = [2, 3, 5, 8, 13]


@pytest.mark.parametrize("width", WIDTHS)
def test_stroke_width_of_level_and_upright_lines_is_found(width: int) -> None:
    level = np.zeros((40, 200), bool)
    level[10 : 10 + width, 20:180] = True
    assert estimate_stroke(level) == pytest.approx(width, rel=0.2)
    assert estimate_stroke(level.T) == pytest.approx(width, rel=0.2)


def line(width: float, degrees: float) -> Ink:
    """A slanted line, true to a tenth of a pixel."""
    y, x = np.mgrid[:200, :200].astype(float) - 100
    turn = np.radians(degrees)
    across, along = y * np.cos(turn) - x * np.sin(turn), x * np.cos(turn) + y * np.sin(turn)
    return (np.abs(across) < width / 2) & (np.abs(along) < 80)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("degrees", [20, 45, 70])
def test_stroke_width_of_slanted_lines_is_never_far_off(width: int, degrees: int) -> None:
    """The outline of a slanted line has more pixels than its length, so the pen looks thinner."""
    assert 0.6 * width < estimate_stroke(line(width, degrees)) < 1.2 * width


@pytest.mark.parametrize("width", WIDTHS)
def test_stroke_width_of_a_zero_is_found(width: int) -> None:
    y, x = np.mgrid[:120, :120].astype(float) - 60
    ring = np.abs(np.hypot(x, y) - 40) < width / 2
    assert estimate_stroke(ring) == pytest.approx(width, rel=0.25)


def test_stroke_of_no_ink_is_nothing_and_of_one_pixel_is_one() -> None:
    assert estimate_stroke(np.zeros((9, 9), bool)) == 0
    dot = np.zeros((9, 9), bool)
    dot[4, 4] = True
    assert estimate_stroke(dot) == pytest.approx(1, abs=1)


def test_another_row_of_writing_is_left_out_and_said() -> None:
    canvas = paper(240)
    digits(canvas, (20, 90, 160), top=130)
    found = find_components(digits(canvas, (90,), top=30))
    assert len(found.boxes) == 3
    assert found.other_row
    assert not find_components(digits(paper(240), (20, 90, 160), top=130)).other_row


def test_what_reaches_in_from_above_is_no_other_row() -> None:
    canvas = paper(240)
    digits(canvas, (100, 170, 240), top=130)
    reaching = canvas.copy()
    reaching[:50, 180:186] = 255
    assert not find_components(reaching > 0).other_row
    # What a framed field holds at its edge is its own.
    assert find_components(reaching > 0, framed=True).other_row


@pytest.mark.parametrize("x", [20, 90, 340])
def test_digits_above_are_said_wherever_they_stand(x: int) -> None:
    canvas = paper(240)
    digits(canvas, (100, 170, 240), top=130)
    assert find_components(digits(canvas, (x,), top=30)).other_row

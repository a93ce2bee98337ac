from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from docproc.clean.rulings import drop_ring, find_rulings, remove_rulings
from docproc.types import Box, Gray, Ruling

DPI = 300.0


def blank(height: int = 600, width: int = 900) -> Gray:
    return np.full((height, width), 255, np.uint8)


@pytest.mark.parametrize("thick", [1, 2, 4, 8])
@pytest.mark.parametrize("grey", [0, 120, 215])
def test_level_and_upright_rulings_are_found_in_place(thick: int, grey: int) -> None:
    page = blank()
    page[200 : 200 + thick, 100:800] = grey
    page[100:500, 700 : 700 + thick] = grey
    rulings = find_rulings(page, DPI)
    level = [ruling.box for ruling in rulings if ruling.horizontal]
    upright = [ruling.box for ruling in rulings if not ruling.horizontal]
    assert len(level) == len(upright) == 1
    assert level[0] == pytest.approx((100, 200, 700, thick), abs=4)
    assert upright[0] == pytest.approx((700, 100, thick, 400), abs=4)


def test_broken_ruling_is_one() -> None:
    page = blank()
    page[300:303, 100:800] = 0
    for x in range(150, 800, 130):
        page[300:303, x : x + 15] = 255
    (ruling,) = find_rulings(page, DPI)
    assert ruling.box == pytest.approx((100, 300, 700, 3), abs=4)


def test_slanted_ruling_is_listed_in_level_parts_that_cover_it() -> None:
    page = blank()
    cv2.line(page, (100, 300), (800, 314), 0, 3)
    rulings = find_rulings(page, DPI)
    cover = np.zeros(page.shape, np.bool_)
    for ruling in rulings:
        assert ruling.box.height <= 8
        cover[ruling.box.y - 2 : ruling.box.bottom + 2, ruling.box.x - 2 : ruling.box.right + 2] = True
    assert cover[page == 0].mean() > 0.98
    assert remove_rulings(page == 0, rulings, DPI).sum() < 0.03 * (page == 0).sum()


def test_bars_of_letters_and_words_are_no_rulings() -> None:
    page = blank()
    cv2.putText(page, "EFTHL", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 4, 0, 8)
    for y in (300, 350, 400):
        cv2.putText(page, "unmoving minimum in a common rumour", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
    assert find_rulings(page, DPI) == ()


def test_short_sides_of_a_box_are_rulings_and_a_free_stroke_is_not() -> None:
    page = blank()
    cv2.rectangle(page, (200, 200), (270, 280), 0, 3)
    cv2.line(page, (400, 200), (400, 280), 0, 5)
    rulings = find_rulings(page, DPI)
    assert len(rulings) == 4
    assert all(ruling.box.right < 300 for ruling in rulings)


def test_crossing_stroke_keeps_its_pixels_and_stays_one_component() -> None:
    strokes = np.zeros((600, 900), np.uint8)
    cv2.line(strokes, (300, 220), (340, 380), 1, 7)
    cv2.ellipse(strokes, (500, 290), (40, 60), 0, 0, 360, 1, 7)
    lines = np.zeros_like(strokes)
    lines[300:304, 100:800] = 1
    ink = (strokes | lines) > 0
    page = np.where(ink, 0, 255).astype(np.uint8)
    left = remove_rulings(ink, find_rulings(page, DPI), DPI)
    assert cv2.connectedComponents(left.astype(np.uint8))[0] - 1 == 2
    assert left[strokes > 0].mean() > 0.97
    assert left[strokes == 0].sum() < 0.03 * lines.sum()


def test_stroke_that_touches_or_rides_a_line_survives() -> None:
    strokes = np.zeros((600, 900), np.uint8)
    cv2.line(strokes, (300, 200), (300, 301), 1, 7)
    cv2.line(strokes, (400, 297), (450, 297), 1, 7)
    lines = np.zeros_like(strokes)
    lines[300:304, 100:800] = 1
    ink = (strokes | lines) > 0
    left = remove_rulings(ink, find_rulings(np.where(ink, 0, 255).astype(np.uint8), DPI), DPI)
    assert left[200:300, 297:304].mean() > 0.95
    assert left[294:298, 402:448].mean() > 0.95


def test_box_vanishes_and_its_digit_stays() -> None:
    page = blank()
    cv2.putText(page, "7", (215, 270), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 5)
    digit = page == 0
    cv2.rectangle(page, (200, 200), (280, 290), 0, 3)
    left = remove_rulings(page == 0, find_rulings(page, DPI), DPI)
    assert np.array_equal(left, digit)


def test_page_without_rulings_is_unchanged() -> None:
    page = blank()
    cv2.putText(page, "2381", (200, 300), cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 6)
    assert find_rulings(page, DPI) == ()
    assert np.array_equal(remove_rulings(page == 0, (), DPI), page == 0)


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2), (60, 60)])
@pytest.mark.parametrize("grey", [0, 255])
def test_tiny_and_black_pages_have_no_rulings(shape: tuple[int, int], grey: int) -> None:
    page = np.full(shape, grey, np.uint8)
    assert find_rulings(page, DPI) == ()
    assert remove_rulings(page == 0, (), DPI).shape == shape


RING = (
    Ruling(Box(100, 20, 44, 4), True),
    Ruling(Box(100, 66, 44, 4), True),
    Ruling(Box(100, 20, 4, 50), False),
    Ruling(Box(140, 20, 4, 50), False),
)


def strip_of(inside: str, beside: int) -> NDArray[np.bool_]:
    """A strip with a small box, text in it, and a stroke so high beside it."""
    picture = np.full((96, 300), 255, np.uint8)
    for ruling in RING:
        x, y, width, height = ruling.box
        picture[y : y + height, x : x + width] = 0
    cv2.putText(picture, inside, (112, 58), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 0, 2)
    picture[20 : 20 + beside, 200:205] = 0
    return np.asarray(picture < 128)


@pytest.mark.parametrize(
    ("inside", "beside", "kept"), [("", 50, False), ("", 20, True), ("7", 50, True), ("0", 50, True)]
)
def test_round_zero_among_digits_is_no_box(inside: str, beside: int, kept: bool) -> None:
    underline = Ruling(Box(0, 90, 300, 3), True)
    found = drop_ring((*RING, underline), strip_of(inside, beside))
    assert found == ((*RING, underline) if kept else (underline,))


def test_box_beside_other_boxes_is_kept() -> None:
    wall = Ruling(Box(180, 20, 4, 50), False)
    assert drop_ring((*RING, wall), strip_of("", 50)) == (*RING, wall)


def test_a_line_of_a_curled_page_is_found_in_straight_parts() -> None:
    page = blank(600, 1500)
    x = np.arange(100, 1400)
    y = 300 - 22 * np.sin((x - 100) / 1300 * np.pi)
    cv2.polylines(page, [np.column_stack([x, y]).round().astype(np.int32)], False, 60, 3)
    rulings = find_rulings(page, DPI)
    cover = np.zeros(page.shape, np.bool_)
    for ruling in rulings:
        cover[ruling.box.y - 2 : ruling.box.bottom + 2, ruling.box.x - 2 : ruling.box.right + 2] = True
    assert cover[page < 128].mean() > 0.9
    assert max(ruling.box.height for ruling in rulings) <= 10


def test_a_line_whose_ends_are_faint_closes_the_cells_that_it_parts() -> None:
    page = blank()
    for thick, lines in ((8, (100, 500)), (2, (300,))):
        for at in lines:
            page[at : at + thick, 100:800] = 30 if thick == 8 else 200
    page[100:508, 100:108] = page[100:508, 792:800] = 30
    page[300:302, 108:180] = page[300:302, 700:792] = 246
    inner = [ruling.box for ruling in find_rulings(page, DPI) if ruling.horizontal and 290 < ruling.box.y < 310]
    assert min(box.x for box in inner) <= 112
    assert max(box.right for box in inner) >= 788

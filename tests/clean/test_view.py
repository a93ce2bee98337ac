"""A page photographed from aside and near is turned back, and one that lies flat is left alone."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from docproc.clean.page import clean
from docproc.clean.view import find_view
from docproc.types import Gray, Page, PageRef

REF = PageRef("photo.jpg", "", 1)
ROWS, PITCH, LEFT, TOP = 9, 130, 300, 200


def draw_table(figures: float = 1.2) -> Gray:
    """A table of nine by nine figures on a sheet of 1800 by 1600 pixels."""
    sheet = np.full((1600, 1800), 235, np.uint8)
    for i in range(ROWS + 1):
        at = i * PITCH
        cv2.line(sheet, (LEFT, TOP + at), (LEFT + ROWS * PITCH, TOP + at), 40, 3)
        cv2.line(sheet, (LEFT + at, TOP), (LEFT + at, TOP + ROWS * PITCH), 40, 3)
    for i in range(ROWS * ROWS):
        place = (LEFT + i % ROWS * PITCH + 45, TOP + i // ROWS * PITCH + 95)
        cv2.putText(sheet, str(i * 7 % 10), place, cv2.FONT_HERSHEY_SIMPLEX, figures, 60, 5)
    return sheet


def corners() -> NDArray[np.float64]:
    """The crossings of the table's lines, row by row, float64[10, 10, 2]."""
    along = TOP + PITCH * np.arange(ROWS + 1.0)
    across = LEFT + PITCH * np.arange(ROWS + 1.0)
    return np.stack(np.meshgrid(across, along), axis=2)


def photograph(sheet: Gray, there: list[tuple[int, int]]) -> tuple[Gray, NDArray[np.float64]]:
    """The sheet with its corners at those places of the picture, and where the crossings of the lines went."""
    height, width = sheet.shape
    own = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    way = cv2.getPerspectiveTransform(own, np.array(there, np.float32))
    seen = cv2.warpPerspective(sheet, way, (2400, 1800), borderValue=90)
    return seen, cv2.perspectiveTransform(corners().reshape(1, -1, 2), way).reshape(ROWS + 1, ROWS + 1, 2)


TILTED = [
    [(500, 100), (1900, 180), (2250, 1700), (200, 1650)],
    [(300, 300), (2150, 80), (2200, 1750), (350, 1400)],
    [(150, 100), (2000, 350), (1950, 1500), (200, 1700)],
]


@pytest.mark.parametrize("there", TILTED)
def test_lines_of_a_page_seen_from_aside_come_out_level_and_upright(there: list[tuple[int, int]]) -> None:
    seen, crossings = photograph(draw_table(), there)
    view = find_view(seen, 200)
    assert view.to_above is not None
    above = cv2.perspectiveTransform(crossings.reshape(1, -1, 2), view.to_above).reshape(crossings.shape)
    width, height = above[0, -1, 0] - above[0, 0, 0], above[-1, 0, 1] - above[0, 0, 1]
    assert np.ptp(above[:, :, 1], axis=1).max() < 0.006 * width
    assert np.ptp(above[:, :, 0], axis=0).max() < 0.006 * height
    assert (above >= 0).all()
    assert (above <= view.size).all()
    back = cv2.perspectiveTransform(above.reshape(1, -1, 2), view.to_picture()).reshape(crossings.shape)
    assert np.abs(back - crossings).max() < 1e-3


def test_what_is_drawn_lies_where_the_map_says() -> None:
    seen, crossings = photograph(draw_table(), TILTED[0])
    view = find_view(seen, 200)
    assert view.to_above is not None
    above = cv2.perspectiveTransform(crossings.reshape(1, -1, 2), view.to_above)[0]
    drawn = view.draw(seen)
    assert drawn.shape == view.size[::-1]
    for (x, y), (beside, _) in pairwise(above[12:20]):
        profile = drawn[int(y) - 12 : int(y) + 13, int((x + beside) / 2)]
        assert abs(int(profile.argmin()) - 12) <= 2
        assert profile.max() > 200


@pytest.mark.parametrize("turn", [0.0, 4.0])
def test_a_flat_page_stays_as_it_is_even_turned(turn: float) -> None:
    way = cv2.getRotationMatrix2D((900, 800), turn, 1)
    seen = cv2.warpAffine(draw_table(), way, (1800, 1600), borderValue=235)
    view = find_view(seen, 200)
    assert view.to_above is None
    assert view.draw(seen) is seen
    assert np.array_equal(view.to_picture(), np.eye(3))


def test_lines_of_the_background_do_not_count() -> None:
    seen, _ = photograph(draw_table(), TILTED[0])
    alone = find_view(seen, 200).to_above
    for x in range(2300, 2400, 12):
        cv2.line(seen, (x, 0), (x - 40, 1799), 200, 4)
    beside = find_view(seen, 200).to_above
    assert alone is not None
    assert beside is not None
    point = np.array([[[1200, 900]]], np.float64)
    apart = cv2.perspectiveTransform(point, beside) - cv2.perspectiveTransform(point, alone)
    assert np.abs(beside[2] / alone[2] - 1)[:2].max() < 0.1
    assert np.abs(apart).max() < 40


@pytest.mark.parametrize("picture", [np.full((1200, 900), 255, np.uint8), np.zeros((5, 7), np.uint8)])
def test_a_blank_or_tiny_picture_tells_nothing(picture: Gray) -> None:
    view = find_view(picture, 123)
    assert view.to_above is None
    assert view.dpi == 123


def test_writing_too_large_for_a_sheet_is_a_close_up() -> None:
    # Figures 75 pixels high would be 0.5 inch at 150 dots an inch.
    sheet = draw_table(3.5)
    close = find_view(sheet, 150).dpi
    assert 75 / close == pytest.approx(0.2, abs=0.03)
    assert find_view(sheet, 350).dpi == 350


def test_boxes_of_a_photo_are_given_in_its_own_pixels() -> None:
    seen, crossings = photograph(draw_table(), TILTED[0])
    page = clean(Page(REF, seen, 205, ("resolution-estimated",)), False)
    levels = [ruling.box for ruling in page.rulings if ruling.horizontal and ruling.box.width > 300]
    ends = np.array([[(box.x, box.y + box.height / 2), (box.right, box.y + box.height / 2)] for box in levels], float)
    there = cv2.perspectiveTransform(ends.reshape(1, -1, 2), page.to_scan).reshape(-1, 2)
    inside = there[(there[:, 1] > crossings[..., 1].min() - 9) & (there[:, 1] < crossings[..., 1].max() + 9)]
    # Each end lies on a line of the table: on the segment between two neighbouring crossings.
    left, right = crossings[:, 0], crossings[:, -1]
    slopes = (right[:, 1] - left[:, 1]) / (right[:, 0] - left[:, 0])
    away = np.abs(left[:, 1] + slopes * (inside[:, :1] - left[:, 0]) - inside[:, 1:]).min(axis=1)
    assert len(inside) >= 20
    assert away.max() < 6


def test_a_page_of_known_resolution_is_not_turned() -> None:
    seen, _ = photograph(draw_table(), TILTED[0])
    page = clean(Page(REF, seen, 300), False)
    assert np.abs(page.to_scan[2, :2]).max() == 0


def test_empty_boxes_and_some_large_figures_make_no_close_up() -> None:
    # At 150 dots an inch: print and small figures 0.12 inch high, boxes of 0.4, five figures of 0.45.
    sheet = np.full((1750, 1310), 240, np.uint8)
    for i in range(120):
        cv2.putText(sheet, "7", (60 + i % 20 * 50, 100 + i // 20 * 60), cv2.FONT_HERSHEY_SIMPLEX, 0.85, 40, 2)
    for i in range(60):
        corner = (60 + i % 12 * 90, 600 + i // 12 * 100)
        cv2.rectangle(sheet, corner, (corner[0] + 60, corner[1] + 66), 40, 2)
    for i in range(5):
        cv2.putText(sheet, "3", (60 + i * 90, 1300), cv2.FONT_HERSHEY_SIMPLEX, 3.1, 40, 6)
    assert find_view(sheet, 150).dpi == 150


def test_a_picture_that_would_grow_beyond_bounds_is_left_as_it_is() -> None:
    picture = np.full((1500, 1500), 240, np.uint8)
    for i in range(12):
        cv2.line(picture, (100, 100 + 110 * i), (1400, 500 + 60 * i), 40, 3)
        cv2.line(picture, (100 + 110 * i, 100), (500 + 60 * i, 1400), 40, 3)
    view = find_view(picture, 150)
    assert view.size[0] * view.size[1] <= 2.5 * picture.size


def test_the_picture_without_coloured_print_is_turned_with_the_page() -> None:
    seen, _ = photograph(draw_table(), TILTED[0])
    flags = ("resolution-estimated",)
    page = clean(Page(REF, seen, 205, flags), False)
    both = clean(Page(REF, seen, 205, flags, dropped=seen), False)
    assert both.gray.shape == page.gray.shape
    assert np.abs(both.gray.astype(int) - page.gray).mean() < 1

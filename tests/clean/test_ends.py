"""Rulings that grow faint are followed to where they end; nothing else is taken for them."""

from __future__ import annotations

import numpy as np

from docproc.clean.ends import follow_ends
from docproc.clean.pieces import Piece, Scale
from docproc.types import Gray

SCALE = Scale(300)
WALL = Piece(50, 400, 700, 700, 6, 350)
"""An upright line at column 700, from row 50 to 400, as pieces across are."""
FOUND = Piece(200, 500, 200, 200, 3, 300)
"""A level line at row 200 that was found from column 200 to 500."""


def page(faint: int, stop: int = 700) -> Gray:
    gray = np.full((450, 900), 255, np.uint8)
    gray[199:202, 200:500] = 215
    gray[199:202, 500:stop] = 255 - faint
    gray[50:400, 697:703] = 30
    return gray


def follow(gray: Gray, kept: bool = True) -> list[Piece]:
    return list(follow_ends([FOUND], [FOUND] if kept else [], [WALL], gray, SCALE))


def test_a_faint_end_is_followed_to_the_line_that_it_meets() -> None:
    first, rest = follow(page(9))
    assert first == FOUND
    assert (rest.start, rest.stop) == (500, 700)
    assert abs(rest.at_start - 200) <= 2
    assert abs(rest.at_stop - 200) <= 2
    assert rest.thickness == FOUND.thickness


def test_an_end_that_reaches_no_line_stays_where_it_was_found() -> None:
    assert follow(page(9, stop=640)) == [FOUND]
    assert follow(page(0)) == [FOUND]


def test_a_dark_stroke_behind_a_faint_line_is_no_part_of_it() -> None:
    assert follow(page(160)) == [FOUND]


def test_a_shadow_beside_the_line_is_no_line() -> None:
    gray = page(0)
    gray[150:260, 500:697] = 240
    assert follow(gray) == [FOUND]


OTHER = WALL._replace(at_start=60, at_stop=60)


def between_walls() -> Gray:
    """The line is faint up to a wall on either side."""
    gray = page(9)
    gray[199:202, 60:200] = 246
    gray[50:400, 57:63] = 30
    return gray


def test_a_part_of_a_line_is_kept_if_both_its_ends_are_followed_to_lines() -> None:
    behind = FOUND._replace(start=760, stop=860, cover=100)
    found = list(follow_ends([FOUND, behind], [behind], [WALL, OTHER], between_walls(), SCALE))
    assert [(piece.start, piece.stop) for piece in found] == [(200, 500), (60, 200), (500, 700), (760, 860)]
    open_end = list(follow_ends([FOUND, behind], [behind], [WALL], between_walls(), SCALE))
    assert FOUND not in open_end


def test_a_stroke_between_two_lines_that_continues_none_is_no_line() -> None:
    beside = FOUND._replace(start=760, stop=860, at_start=240, at_stop=240, cover=100)
    gray = between_walls()
    gray[199:202, 75:685] = 60
    stroke = Piece(75, 685, 200, 200, 3, 610)
    for kept in ([], [beside]):
        assert stroke not in list(follow_ends([stroke], kept, [WALL, OTHER], gray, SCALE))


def test_a_slanted_line_that_bends_a_little_is_followed() -> None:
    gray = np.full((450, 900), 255, np.uint8)
    gray[50:400, 697:703] = 30
    for x in range(200, 700):
        y = round(200 + 0.03 * (x - 200) + 0.00012 * max(0, x - 500) ** 2)
        gray[y - 1 : y + 2, x] = 215 if x < 500 else 240
    slanted = Piece(200, 500, 200, 209, 3, 300)
    _, rest = list(follow_ends([slanted], [slanted], [WALL], gray, SCALE))
    assert rest.stop == 700
    assert abs(rest.at_stop - (200 + 15 + 4.8)) <= 2.5


def test_a_short_break_is_passed_and_a_long_one_is_not() -> None:
    gray = page(20)
    gray[199:202, 560:570] = 255
    assert len(follow(gray)) == 2
    gray[199:202, 540:600] = 255
    assert follow(gray) == [FOUND]


def test_a_line_that_ends_on_another_is_not_followed_beyond() -> None:
    gray = page(40)
    gray[199:202, 703:860] = 215
    behind = WALL._replace(at_start=862, at_stop=862)
    gray[50:400, 859:865] = 30
    whole = FOUND._replace(stop=699, cover=499)
    assert list(follow_ends([whole], [whole], [WALL, behind], gray, SCALE)) == [whole, Piece(699, 700, 200, 200, 3, 1)]

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


def test_a_short_line_that_stands_alone_is_kept_if_both_its_ends_are_followed_to_lines() -> None:
    gray = page(9)
    assert follow(gray, kept=False) == []
    gray[199:202, 60:200] = 246
    gray[50:400, 57:63] = 30
    other = WALL._replace(at_start=60, at_stop=60)
    found = list(follow_ends([FOUND], [], [WALL, other], gray, SCALE))
    assert [(piece.start, piece.stop) for piece in found] == [(200, 500), (60, 200), (500, 700)]


def test_a_line_that_ends_on_another_is_not_followed_beyond() -> None:
    gray = page(40)
    gray[199:202, 703:860] = 215
    behind = WALL._replace(at_start=862, at_stop=862)
    gray[50:400, 859:865] = 30
    whole = FOUND._replace(stop=699, cover=499)
    assert list(follow_ends([whole], [whole], [WALL, behind], gray, SCALE)) == [whole, Piece(699, 700, 200, 200, 3, 1)]

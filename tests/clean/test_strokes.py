"""Strokes on the sides of boxes are kept, the sides themselves go, and lines that bound no box are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from docproc.clean.rulings import find_rulings, remove_rulings
from docproc.clean.strokes import keep_strokes
from docproc.types import Box, CleanPage, PageRef

DPI = 300.0
BOX = Box(100, 200, 701, 103)


def blank() -> NDArray[np.uint8]:
    return np.zeros((600, 900), np.uint8)


def draw_box() -> NDArray[np.uint8]:
    lines = blank()
    lines[199:203, 100:800] = lines[299:303, 100:800] = 1
    lines[199:303, 100:104] = lines[199:303, 797:801] = 1
    return lines


def take_out(strokes: NDArray[np.uint8], lines: NDArray[np.uint8], boxes: tuple[Box, ...] = (BOX,)) -> CleanPage:
    """The page of strokes on lines, without the lines."""
    ink = (strokes | lines) > 0
    gray = np.where(ink, 0, 255).astype(np.uint8)
    rulings = find_rulings(gray, DPI)
    left = remove_rulings(ink, rulings, DPI)
    return keep_strokes(CleanPage(PageRef("", "", 1), gray, left, ink, rulings, DPI, np.eye(3)), boxes)


@pytest.mark.parametrize("level", [296, 298, 300, 304])
def test_foot_of_a_digit_on_the_side_of_its_box_stays_whole(level: int) -> None:
    strokes = blank()
    cv2.polylines(strokes, [np.array([(350, 230), (300, level), (355, level)])], False, 1, 7)
    left = take_out(strokes, draw_box()).ink
    assert left[strokes > 0].mean() > 0.9
    assert left[strokes == 0].sum() < 0.15 * strokes.sum()


def test_round_foot_that_hides_in_a_side_stays_and_the_side_within_a_loop_goes() -> None:
    strokes, lines = blank(), draw_box()
    cv2.ellipse(strokes, (300, 262), (22, 40), 0, 0, 360, 1, 5)
    cv2.ellipse(strokes, (500, 301), (22, 40), 0, 0, 360, 1, 5)
    left = take_out(strokes, lines).ink
    assert left[strokes > 0].mean() > 0.95
    assert not left[299:302, 490:510].any()


def test_one_that_leans_into_the_wall_of_a_comb_stays_and_an_uneven_wall_goes() -> None:
    strokes, lines = blank(), blank()
    for x in (200, 290, 380, 470):
        lines[200:310, x : x + 4] = 1
    lines[200:204, 200:474] = lines[306:310, 200:474] = 1
    lines[230:260, 384] = 1
    cv2.line(strokes, (297, 225), (292, 290), 1, 7)
    left = take_out(strokes, lines, (Box(200, 200, 274, 110),)).ink
    assert left[strokes > 0].mean() > 0.95
    assert not left[:, 340:].any()


def test_line_that_bounds_no_box_is_left_as_it_was() -> None:
    strokes, lines = blank(), draw_box()
    lines[449:453, 100:800] = 1
    cv2.polylines(strokes, [np.array([(350, 380), (300, 451), (355, 451)])], False, 1, 7)
    bare, kept = take_out(strokes, lines, ()), take_out(strokes, lines)
    assert np.array_equal(bare.ink[400:], kept.ink[400:])


def test_page_without_boxes_is_as_it_was() -> None:
    page = take_out(blank(), blank(), ())
    assert keep_strokes(page, ()) is page


@pytest.mark.parametrize("top", [0, 1, 2, 3])
def test_stroke_on_a_side_at_the_edge_of_the_picture_is_kept_as_at_the_other_edge(top: int) -> None:
    strokes, lines = np.zeros((160, 900), np.uint8), np.zeros((160, 900), np.uint8)
    lines[top : top + 4, 100:800] = 1
    cv2.polylines(strokes, [np.array([(300, top + 3), (360, top + 3), (330, 90)])], False, 1, 7)
    box = Box(100, top + 2, 701, 140)
    kept = take_out(strokes, lines, (box,)).ink
    turned = take_out(strokes[::-1].copy(), lines[::-1].copy(), (Box(100, 160 - box.bottom, 701, 140),)).ink
    assert np.array_equal(kept, turned[::-1])
    assert kept[strokes > 0].mean() > 0.9

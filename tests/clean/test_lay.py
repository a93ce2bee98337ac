"""Pages laid on their form: each pixel where the form has it, and nothing printed left."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.lay import FindPoints, erase_print, keep_printed, lay, warp
from docproc.types import Box, Field, FormPage, Gray, Homography, Ink, Page, PageRef, Placement, Ruling

WIDTH, HEIGHT = 900, 600
BOX = Box(300, 240, 200, 90)


def draw_blank() -> Gray:
    """A form with a label, a box, and a unit and guide text printed in it."""
    gray = np.full((HEIGHT, WIDTH), 255, np.uint8)
    cv2.putText(gray, "Weight", (60, 300), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4)
    cv2.rectangle(gray, (BOX.x, BOX.y), (BOX.right, BOX.bottom), 0, 3)
    cv2.putText(gray, "kg", (BOX.right - 50, BOX.bottom - 20), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 3)
    cv2.line(gray, (60, 500), (800, 500), 0, 3)
    return gray


def write(gray: Gray) -> Gray:
    """A 4 in the box whose stem crosses its lower side, and a 7 whose foot crosses the line."""
    written = gray.copy()
    cv2.polylines(written, [np.array([(345, 255), (325, 300), (375, 300)])], False, 0, 6)
    cv2.line(written, (362, 265), (358, 350), 0, 6)
    cv2.polylines(written, [np.array([(600, 430), (650, 430), (620, 530)])], False, 0, 6)
    return written


def make_form(gray: Gray, blank: bool = True) -> FormPage:
    _, picture = cv2.imencode(".png", gray)
    fields = (Field("weight", BOX, "place"),)
    return FormPage("form", 1, str(gray.sum()), WIDTH, HEIGHT, picture.tobytes(), blank, fields)


def place(homography: Homography, blank: bool = True) -> Placement:
    return Placement(make_form(draw_blank(), blank), homography, np.zeros((2, 2, 2), np.float32), 0.1)


def through(homography: Homography) -> FindPoints:
    """The way of points through a homography."""
    return lambda points: cv2.perspectiveTransform(points[None], homography)[0]


def scan(gray: Gray, homography: Homography, size: tuple[int, int]) -> Gray:
    """What a scanner of known place delivers."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centres = np.linalg.inv(half) @ homography @ half
    return np.asarray(cv2.warpPerspective(gray, centres, size, flags=cv2.INTER_AREA, borderValue=255), np.uint8)


PERSPECTIVE = np.array([[1.1, 0.1, 40], [-0.05, 1.05, 90], [1e-4, 5e-5, 1]])
HALF = np.array([[-0.5, 0, 450], [0, -0.5, 300], [0, 0, 1.0]])
DOUBLE = np.diag([2.0, 2.0, 1.0])


@pytest.mark.parametrize("homography", [np.eye(3), PERSPECTIVE, HALF, DOUBLE])
def test_each_pixel_comes_to_where_the_form_has_it(homography: Homography) -> None:
    gray = np.full((HEIGHT, WIDTH), 255, np.uint8)
    dots = [(100, 80), (800, 90), (450, 300), (120, 520), (790, 510)]
    for x, y in dots:
        cv2.circle(gray, (x, y), 12, 0, -1)
    laid = warp(scan(gray, homography, (2 * WIDTH, 2 * HEIGHT)), place(homography), through(homography))
    assert laid.shape == gray.shape
    _, _, _, middles = cv2.connectedComponentsWithStats((laid < 128).astype(np.uint8))
    for dot in dots:
        assert np.abs(middles[1:] - dot).max(1).min() < 0.5


def test_what_the_scan_does_not_show_is_white() -> None:
    laid = warp(np.zeros((100, 900), np.uint8), place(np.eye(3)), through(np.eye(3)))
    assert laid[:99].max() == 0
    assert laid[101:].min() == 255


@pytest.mark.parametrize("shift", [(0, 0), (2, -2)])
def test_print_goes_and_strokes_that_cross_it_stay_whole(shift: tuple[int, int]) -> None:
    gray = np.roll(write(draw_blank()), shift, (1, 0))
    laid = lay(Page(PageRef("", "", 1), gray, 300), place(np.eye(3)), through(np.eye(3)))
    strokes = np.roll(write(np.full((HEIGHT, WIDTH), 255, np.uint8)) < 128, shift, (1, 0))
    assert (laid.ink & strokes).sum() > 0.93 * strokes.sum()
    near = cv2.dilate(strokes.astype(np.uint8), np.ones((9, 9))) > 0
    assert not (laid.ink & ~near).any()
    count, _ = cv2.connectedComponents(laid.ink.astype(np.uint8), connectivity=8)
    assert count - 1 == 2  # the 4 and the 7: neither was cut in two
    assert laid.full_ink.sum() > laid.ink.sum()


def test_of_a_filled_in_reference_nothing_is_print() -> None:
    gray = write(draw_blank())
    laid = lay(Page(PageRef("", "", 1), gray, 300), place(np.eye(3), blank=False), through(np.eye(3)))
    assert laid.ink[BOX.bottom - 40 : BOX.bottom - 20, BOX.right - 50 :].any()


def ink_of(*boxes: Box) -> Ink:
    ink = np.zeros((200, 300), np.bool_)
    for box in boxes:
        ink[box.y : box.bottom, box.x : box.right] = True
    return ink


def test_a_long_straight_stroke_that_the_form_lacks_is_no_ruling() -> None:
    printed, stroke = Box(20, 100, 250, 4), Box(150, 20, 4, 60)
    rulings = (Ruling(printed, True), Ruling(stroke, False))
    assert keep_printed(rulings, ink_of(printed)) == rulings[:1]


def test_writing_that_merely_touches_print_loses_no_more_than_what_lies_on_it() -> None:
    printed, stroke = Box(20, 100, 250, 4), Box(150, 40, 6, 62)
    left = erase_print(ink_of(printed, stroke), ink_of(printed), (), 0.0)
    assert left[40:96, 150:156].all()
    assert not left[:, :140].any()


def test_a_mark_tied_to_a_large_printed_word_is_no_print() -> None:
    word, mark = Box(100, 60, 150, 80), Box(80, 95, 24, 6)
    left = erase_print(ink_of(word, mark), ink_of(word), (), 0.0)
    assert left[95:101, 80:94].all()
    assert not left[:, 110:].any()


def test_print_that_lies_off_by_as_much_as_is_known_leaves_nothing() -> None:
    word = Box(100, 60, 150, 80)
    lying = ink_of(Box(word.x + 9, word.y, word.width, word.height))
    assert erase_print(lying, ink_of(word), (), 0.0).any()
    assert not erase_print(lying, ink_of(word), (), 0.02).any()

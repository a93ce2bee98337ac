from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.page import resample, rotation
from docproc.clean.skew import estimate_angle, estimate_turn
from docproc.types import Gray, Ink

DPI = 150.0
WORDS = "the quick brown fox had jumped behind tall black dogs while birds looked on"


def text_page(lines: int = 30) -> Gray:
    page = np.full((1754, 1240), 255, np.uint8)
    for number in range(lines):
        cv2.putText(
            page, WORDS[number % 9 :], (80 + 7 * number % 31, 150 + 50 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.75, 0, 2
        )
    return page


def ruled_page() -> Gray:
    page = np.full((1754, 1240), 255, np.uint8)
    for y in range(200, 1600, 100):
        cv2.line(page, (100, y), (1140, y), 0, 2)
    return page


def turned(page: Gray, degrees: float) -> Ink:
    return np.asarray(resample(page, rotation(degrees))[0] < 128)


@pytest.mark.parametrize("angle", [-14.0, -7.3, -1.0, -0.3, 0.0, 0.25, 2.0, 9.1, 14.5])
@pytest.mark.parametrize("draw", [text_page, ruled_page])
def test_angle_of_a_rotated_page_is_found(draw: object, angle: float) -> None:
    assert estimate_angle(turned(draw(), angle)) == pytest.approx(angle, abs=0.15)  # type: ignore[operator]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("angle", [0.0, -5.0, 8.0])
def test_turn_is_found_whatever_the_skew(turn: int, angle: float) -> None:
    ink = turned(text_page(), turn + angle)
    assert estimate_turn(ink, DPI, estimate_angle(ink)) == turn


def test_page_without_evidence_is_not_turned() -> None:
    digits = np.full((1754, 1240), 255, np.uint8)
    for row in range(9):
        for column in range(9):
            place = (120 + 110 * column, 200 + 110 * row)
            cv2.putText(digits, str((row + column) % 10), place, cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3)
    for degrees in (0, 90, 180, 270):
        ink = turned(digits, degrees)
        assert estimate_turn(ink, DPI, estimate_angle(ink)) == 0
    assert estimate_turn(turned(ruled_page(), 90), DPI, 0.0) == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (400, 300)])
@pytest.mark.parametrize("full", [False, True])
def test_blank_and_black_pages_have_no_angle(shape: tuple[int, int], full: bool) -> None:
    ink = np.full(shape, full)
    assert estimate_angle(ink) == 0.0
    assert estimate_turn(ink, DPI, 0.0) == 0


def test_noise_has_no_angle() -> None:
    assert estimate_angle(np.random.default_rng(1).random((800, 600)) < 0.02) == 0.0

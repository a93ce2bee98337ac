from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.page import clean, compose, invert, resample, rotation, scaling
from docproc.types import Gray, Page, PageRef

REF = PageRef("page.png", "", 1)
WORDS = "the quick brown fox had jumped behind tall black dogs"
DOTS = [(300, 400), (2100, 500), (700, 3000), (2200, 3100)]


def page_with_dots() -> Gray:
    page = np.full((3508, 2480), 255, np.uint8)
    for y in range(700, 2800, 100):
        cv2.putText(page, WORDS[y // 100 % 9 :], (200 + y % 37, y), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 0, 4)
    for place in DOTS:
        cv2.circle(page, place, 25, 0, -1)
    return page


def dots_of(gray: Gray, dpi: float) -> np.ndarray:
    """Middles of the large round dots, in pixels that reach from n to n + 1."""
    _, _, stats, middles = cv2.connectedComponentsWithStats((gray < 128).astype(np.uint8))
    size = 51 * dpi / 300
    round_ = (np.abs(stats[:, 2:4] - size) < 0.12 * size).all(axis=1) & (stats[:, 4] > 0.7 * size * size)
    return np.asarray(middles[round_] + 0.5)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize(("angle", "dpi"), [(0.0, 300), (6.5, 300), (0.0, 150), (-3.0, 150), (2.0, 600)])
def test_to_scan_maps_known_points(turn: int, angle: float, dpi: int) -> None:
    stored, _ = resample(page_with_dots(), compose(scaling(dpi / 300, dpi / 300), rotation(turn + angle)))
    result = clean(Page(REF, stored, dpi), False)
    assert 250 <= result.dpi <= 350
    found = dots_of(result.gray, result.dpi)
    assert len(found) == len(DOTS)
    on_scan = found @ result.to_scan[:2, :2].T + result.to_scan[:2, 2]
    truth = dots_of(stored, dpi)
    apart = np.abs(on_scan[:, None] - truth[None]).max(axis=2).min(axis=1)
    assert apart.max() < 1.0 * max(1.0, dpi / 300)
    # The page stands upright again: the dots are where they were drawn, up to a shift.
    drawn = np.array(DOTS) + 0.5
    shift = np.median(found[np.argsort(found.sum(axis=1))] - drawn[np.argsort(drawn.sum(axis=1))], axis=0)
    spread = found[np.argsort(found.sum(axis=1))] - drawn[np.argsort(drawn.sum(axis=1))] - shift
    assert np.abs(spread).max() < 8


def test_level_page_at_working_resolution_is_not_resampled() -> None:
    page = np.full((3508, 2480), 255, np.uint8)
    page[1000:1010, 200:210] = 0
    result = clean(Page(REF, page, 300), False)
    assert result.gray.shape == page.shape
    assert np.array_equal(result.to_scan, np.eye(3))


def test_strip_is_not_turned() -> None:
    strip = np.full((90, 400), 255, np.uint8)
    cv2.putText(strip, "174", (60, 75), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 5)
    result = clean(Page(REF, strip, 300), True)
    assert result.to_scan[0, 1] == result.to_scan[1, 0] == 0
    assert cv2.connectedComponents(result.ink.astype(np.uint8))[0] - 1 == 3


def test_desk_around_a_photographed_sheet_is_no_ink() -> None:
    photo = np.random.default_rng(0).integers(0, 90, (1600, 1200)).astype(np.uint8)
    photo[150:1450, 120:1080] = 225
    cv2.putText(photo, "31", (500, 700), cv2.FONT_HERSHEY_SIMPLEX, 3, 40, 6)
    result = clean(Page(REF, photo, 140), False)
    on_scan = np.argwhere(result.ink)[:, ::-1] @ result.to_scan[:2, :2].T + result.to_scan[:2, 2]
    low, high = on_scan.min(axis=0), on_scan.max(axis=0)
    assert (low > (480, 600)).all()
    assert (high < (660, 720)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (37, 41)])
@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("strips", [False, True])
def test_tiny_black_and_blank_pages_are_cleaned(shape: tuple[int, int], grey: int, strips: bool) -> None:
    result = clean(Page(REF, np.full(shape, grey, np.uint8), 200), strips)
    assert result.ink.shape == result.gray.shape == result.full_ink.shape
    assert result.to_scan.shape == (3, 3)


def test_absurd_resolution_does_not_fill_memory() -> None:
    result = clean(Page(REF, np.full((2000, 2000), 255, np.uint8), 1.0), False)
    assert result.gray.size <= 42e6


def test_invert_is_the_way_back() -> None:
    there = np.array([[0.5, -0.2, 30.0], [0.3, 0.9, -4.0]])
    assert compose(invert(there), there) == pytest.approx(np.eye(2, 3), abs=1e-12)


def test_coloured_print_locates_and_leaves_no_ink() -> None:
    dropped = np.full((900, 700), 250, np.uint8)
    cv2.circle(dropped, (220, 550), 60, 20, 8)
    cv2.line(dropped, (350, 480), (320, 660), 20, 8)
    cv2.line(dropped, (60, 700), (640, 700), 20, 5)
    gray = dropped.copy()
    cv2.rectangle(gray, (140, 500), (600, 602), 190, 5)
    gray = np.minimum(gray, dropped)
    page = clean(Page(REF, gray, 300.0, dropped=dropped), strips=False)
    assert [(ruling.horizontal, ruling.dropped) for ruling in page.rulings if ruling.box.y > 650] == [(True, False)]
    sides = [ruling for ruling in page.rulings if ruling.box.y < 650]
    assert sorted(ruling.horizontal for ruling in sides) == [False, False, True, True]
    assert all(ruling.dropped for ruling in sides)
    written = clean(Page(REF, dropped, 300.0), strips=False).ink
    assert int(page.ink.sum()) == pytest.approx(int(written.sum()), rel=0.02)

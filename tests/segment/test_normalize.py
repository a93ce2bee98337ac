"""A crop shows one glyph, wherever, however large and however dark it was written."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.segment.lattice import propose
from docproc.segment.normalize import GLYPH, SIDE, center_glyph, normalize, normalize_glyph
from docproc.train.ink import ink_strokes
from docproc.train.pen import digit_strokes, draw_writer
from docproc.types import Box, CleanPage, Crops, Field, Gray, PageRef

DIGITS = range(10)


def digit_ink(digit: int, height: int = 60) -> np.ndarray:
    """A handwritten digit as coverage 0..1, with a margin."""
    rng = np.random.default_rng([digit, 7])
    drawn = [stroke * height for stroke in digit_strokes(rng, digit, draw_writer(2))]
    corner = np.concatenate(drawn).min(0) - 0.2 * height
    strokes = [stroke - corner for stroke in drawn]
    columns, rows = (int(size + 0.2 * height) for size in np.concatenate(strokes).max(0))
    return ink_strokes(rng, strokes, 0.1 * height, 0.1, (rows, columns))


def crops_of(gray: Gray, field: Box | None = None) -> Crops:
    """The crops of a field's lattice; half-dark pixels are ink, whatever the darkest of the page is."""
    ink = gray < (255 + int(gray.min())) / 2
    page = CleanPage(PageRef("", "", 1), gray, ink, ink, (), 300.0, np.eye(3))
    box = field or Box(0, 0, gray.shape[1], gray.shape[0])
    return normalize(gray, propose(page, Field("1", box, "strip")))


def write(drawn: np.ndarray, darkness: float = 1.0) -> Gray:
    return np.round(255 * (1 - darkness * drawn)).astype(np.uint8)


def crop_of(drawn: np.ndarray, darkness: float = 1.0) -> np.ndarray:
    """The crop of a whole digit, whatever could be cut."""
    own = drawn > 0.5
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    tight = (slice(rows[0] - 1, rows[-1] + 2), slice(columns[0] - 1, columns[-1] + 2))
    return normalize_glyph(255 - write(drawn, darkness)[tight], own[tight], own[tight])


@pytest.mark.parametrize("digit", DIGITS)
def test_crops_do_not_change_by_shift_and_padding(digit: int) -> None:
    gray = write(digit_ink(digit))
    crops = crops_of(gray)
    moved = np.pad(gray, ((40, 13), (57, 30)), constant_values=255)
    assert np.array_equal(crops_of(moved), crops)
    inner = Box(57, 40, gray.shape[1], gray.shape[0])
    assert np.array_equal(crops_of(moved, inner), crops)


@pytest.mark.parametrize("digit", DIGITS)
def test_pencil_gives_the_crop_of_a_pen(digit: int) -> None:
    drawn = digit_ink(digit)
    pen, pencil = (crop_of(drawn, darkness).astype(int) for darkness in (1.0, 0.3))
    assert np.abs(pen - pencil).max() <= 4


@pytest.mark.parametrize("digit", DIGITS)
def test_large_writing_gives_nearly_the_crop_of_small_writing(digit: int) -> None:
    """But for the whole pixels to which a glyph is placed."""
    small, large = (crop_of(digit_ink(digit, height)).astype(float) for height in (50, 150))
    shifts = [np.roll(small, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert max(np.corrcoef(moved.ravel(), large.ravel())[0, 1] for moved in shifts) > 0.93


@pytest.mark.parametrize("digit", DIGITS)
def test_longest_side_is_20_and_center_of_mass_in_the_middle(digit: int) -> None:
    crop = crop_of(digit_ink(digit))
    used = crop > 20
    assert GLYPH - 2 <= max(np.ptp(np.flatnonzero(used.any(axis))) + 1 for axis in (0, 1)) <= GLYPH
    y, x = np.mgrid[:SIDE, :SIDE]
    mass = crop / crop.sum(dtype=float)
    assert (mass * y).sum() == pytest.approx((SIDE - 1) / 2, abs=0.6)
    assert (mass * x).sum() == pytest.approx((SIDE - 1) / 2, abs=0.6)


def test_other_ink_is_erased_even_inside_the_box() -> None:
    """A slanted stroke whose box holds part of its neighbour."""
    alone = np.full((80, 160), 255, np.uint8)
    cv2.line(alone, (20, 70), (50, 10), 0, 5)
    both = alone.copy()
    cv2.line(both, (36, 70), (66, 10), 0, 5)
    (crop,) = crops_of(alone)
    assert np.array_equal(crops_of(both)[0], crop)


def test_crops_come_in_the_order_of_the_segments() -> None:
    parts = [np.full((100, 80), 255, np.uint8) for _ in range(3)]
    for part, digit in zip(parts, (1, 7, 3), strict=True):
        glyph = write(digit_ink(digit))
        part[: glyph.shape[0], : glyph.shape[1]] = glyph
    single = [crops_of(part) for part in parts]
    assert [len(crops) for crops in single] == [1, 1, 1]
    assert np.array_equal(crops_of(np.hstack(parts)), np.concatenate(single))


def test_soft_edges_are_kept() -> None:
    crop = crop_of(digit_ink(0))
    assert ((crop > 40) & (crop < 215)).sum() > 20


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (3, 2000)])
def test_dots_and_lines_make_crops(shape: tuple[int, int]) -> None:
    crop = center_glyph(np.full(shape, 255, np.float32))
    assert crop.shape == (SIDE, SIDE)
    assert crop.max() == 255
    assert (crop[:4].max(), crop[-4:].max(), crop[:, :4].max(), crop[:, -4:].max()) == (0, 0, 0, 0)


def test_ink_without_darkness_is_an_empty_crop() -> None:
    own = np.ones((4, 4), bool)
    assert not normalize_glyph(np.zeros((4, 4), np.uint8), own, own).any()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 90), st.floats(0.01, 0.9))
def test_any_ink_makes_as_many_crops_as_segments(seed: int, rows: int, columns: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    ink = cv2.blur(rng.random((rows, columns)), (3, 3)) < density
    gray = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    page = CleanPage(PageRef("", "", 1), gray, ink, ink, (), 300.0, np.eye(3))
    proposal = propose(page, Field("1", Box(0, 0, columns, rows), "strip"))
    crops = normalize(gray, proposal)
    assert crops.shape == (len(proposal.lattice.segments), SIDE, SIDE)
    assert crops.dtype == np.uint8

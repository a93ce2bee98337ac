"""Cuts through touching digits: at their join, and only where there may be two."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.segment.components import find_components
from docproc.segment.cuts import find_cuts
from docproc.types import Gray, Ink

TOP, BOTTOM = 12, 68


def paper() -> Gray:
    return np.zeros((80, 300), np.uint8)


def zeros(overlap: int, count: int = 2) -> tuple[Ink, list[int]]:
    """Zeros in a row, 40 wide and 60 high, that overlap so much; and the columns of their joins."""
    canvas = paper()
    step = 40 - overlap
    for i in range(count):
        cv2.ellipse(canvas, (70 + i * step, 40), (18, 28), 0, 0, 360, 255, 4)
    return canvas > 0, [70 + i * step + step // 2 for i in range(count - 1)]


def cuts_of(ink: Ink) -> np.ndarray:
    return find_cuts(find_components(ink))


def share_parted(ink: Ink, cut: np.ndarray, join: int) -> float:
    """Share of the ink that a cut leaves on the side of the join on which it stands."""
    rows, columns = np.nonzero(ink)
    return float(((columns < cut[rows]) == (columns < join)).mean())


@pytest.mark.parametrize("overlap", [0, 1, 3, 5])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_touching_zeros_are_parted_at_each_join(overlap: int, count: int) -> None:
    ink, joins = zeros(overlap, count)
    assert len(find_components(ink).boxes) == 1
    cuts = cuts_of(ink)
    for join in joins:
        assert max(share_parted(ink, cut, join) for cut in cuts) > 0.97


@pytest.mark.parametrize("lean", [-12, 12])
def test_cut_follows_the_lean_of_the_writing(lean: int) -> None:
    """Two slanted strokes joined by a bar at half height: the cut stays between them over their whole height."""
    canvas = paper()
    for x in (60, 100):
        cv2.line(canvas, (x + lean, TOP), (x - lean, BOTTOM), 255, 5)
    cv2.line(canvas, (60, 40), (100, 40), 255, 5)
    cuts = cuts_of(canvas > 0)
    rows = np.arange(TOP, BOTTOM)
    left = 60 + lean * (40 - rows) / 28
    right = left + 40
    assert any(((cut[rows] > left - 3) & (cut[rows] < right + 3)).all() for cut in cuts)


def test_digits_apart_and_narrow_digits_are_not_cut() -> None:
    canvas = paper()
    cv2.line(canvas, (50, 10), (50, 70), 255, 4)
    cv2.line(canvas, (75, 10), (75, 70), 255, 4)
    assert cuts_of(canvas > 0).shape == (0, 80)


def test_field_without_ink_has_no_cuts() -> None:
    assert cuts_of(paper() > 0).shape == (0, 80)


@pytest.mark.parametrize("seed", range(5))
def test_cuts_go_from_top_to_bottom_without_jumps_inside_the_field(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = paper()
    points = rng.integers([20, 5], [280, 75], (12, 2)).astype(np.int32)
    cv2.polylines(canvas, [points], False, 255, int(rng.integers(1, 6)))
    cuts = cuts_of(canvas > 0)
    assert cuts.shape[1] == 80
    assert (cuts >= 0).all()
    assert (cuts < 300).all()
    assert (np.abs(np.diff(cuts, axis=1)) <= 1).all()

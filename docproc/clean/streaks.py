"""Streaks of a dirty scanner glass: thin lines that run through the whole page at the same place."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Gray, Ink

Axis = Literal["x", "y"]
Levels = NDArray[np.float32]
"""float32[bands, across]: mean brightness of each column in each band of rows."""

BAND_INCH = 0.12
"""Rows are averaged so far: paper grain goes, and print has gaps in which a streak shows."""
WIDEST_INCH = 0.03
"""Dirt is narrower than this: 0.75 mm."""
SIDE_INCH = 0.06
"""A streak is compared with what lies on both sides of it, so wide."""
DEPTH = 0.05
"""A streak takes at least this share of the paper's brightness. Columns of a sensor differ by half as much, and what is
darker by as little makes an empty field look as if it held faint marks."""
CLEAR = 0.9
"""Beside a streak there is paper where both sides are this bright; elsewhere, amid print, nothing can be told."""
PAPER_INCH = 0.25
MOST_GAPS = 0.02
"""Share of the bands in which clear paper may show through a streak: none but a stray one,"""
LEAST_SEEN = 0.3
"""and share of the bands in which it must be seen. Frames and tables end before the edges of the page do."""
HIDDEN_INCH = 0.12
"""At both ends of the page it is the first thing that can be told, no farther in than dark borders reach."""
FEWEST_BANDS = 20
"""Less is a slip of 6 cm, on which a line of a table may run from edge to edge."""
EDGE_INCH = 0.16
"""The shadow of the paper's own edge falls no farther into the page."""
MOST_STEP = 0.025
"""Paper is equally bright on both sides of a streak; it is not where a fold or an edge of paper casts a shadow."""
MOST_STREAKS = 8
"""More are a pattern of the print."""


class Streak(NamedTuple):
    """A streak at the same `axis` coordinate, in pixels, all through the picture; `depth` is the share of light that it
    takes."""

    axis: Axis
    at: int
    depth: float


def find_streaks(gray: Gray, dpi: float) -> tuple[Streak, ...]:
    """Find streaks that run straight down the picture or straight across it.

    Lines of both directions are the grid of a print that was cropped, not dirt: none are returned then.
    """
    down = find_upright(gray, dpi)
    across = find_upright(np.ascontiguousarray(gray.T), dpi)
    if (down and across) or len(down) + len(across) > MOST_STREAKS:
        return ()
    return (*down, *(Streak("y", streak.at, streak.depth) for streak in across))


def find_upright(gray: Gray, dpi: float) -> tuple[Streak, ...]:
    """Streaks that run from the top to the bottom."""
    levels = average_bands(gray, max(2, round(BAND_INCH * dpi)))
    side, edge = max(3, round(SIDE_INCH * dpi)), max(1, round(EDGE_INCH * dpi))
    gap = max(2, round(WIDEST_INCH * dpi)) + side // 2
    if levels.shape[1] <= 2 * max(edge, 2 * gap) or len(levels) < FEWEST_BANDS:
        return ()
    seen, gaps = vote(levels, gap, side, max(1, round(PAPER_INCH * dpi)))
    told = seen | gaps
    hidden = round(HIDDEN_INCH / BAND_INCH)
    runs = (seen.mean(axis=0) >= LEAST_SEEN) & (gaps.mean(axis=0) <= MOST_GAPS)
    for way in (1, -1):
        first, columns = told[::way].argmax(axis=0), np.arange(told.shape[1])
        runs &= seen[::way][first, columns] & (first <= hidden)
    starts, stops = find_spans(runs)
    found = [
        measure(levels[seen[:, middle]], int(middle) + gap, gap, side)
        for middle in (starts + stops) // 2
        if edge <= middle + gap < gray.shape[1] - edge
    ]
    return tuple(streak for streak in found if streak is not None)


def measure(levels: Levels, at: int, gap: int, side: int) -> Streak | None:
    """The streak in a column of the bands that show it; None where paper is brighter on one side than on the other."""
    far, near = gap + side // 2 + 1, gap - side // 2
    # The brightest of each side is its paper, whatever print stands there.
    left = levels[:, max(0, at - far) : at - near].max(axis=1)
    right = levels[:, at + near + 1 : at + far + 1].max(axis=1)
    brighter = np.maximum(np.maximum(left, right), 1)
    if abs(float(np.median((right - left) / brighter))) > MOST_STEP:
        return None
    return Streak("x", at, float(np.median(1 - levels[:, at] / brighter)))


def average_bands(gray: Gray, step: int) -> Levels:
    """The mean of each column in each band of `step` rows."""
    bands = max(1, len(gray) // step)
    cuts = np.linspace(0, len(gray), bands + 1).round().astype(int)
    rows = [cv2.reduce(gray[top:bottom], 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F) for top, bottom in pairwise(cuts)]
    return np.asarray(np.vstack(rows), np.float32)


def vote(levels: Levels, gap: int, side: int, reach: int) -> tuple[Ink, Ink]:
    """Where each band shows a streak, and where it shows that there is none; `gap` columns are left out at each end."""
    beside = cv2.blur(levels, (side, 1))
    paper, near = (cv2.dilate(beside, np.ones((1, 2 * far + 1), np.uint8))[:, gap:-gap] for far in (reach, gap + side))
    here, darker = levels[:, gap:-gap], np.minimum(beside[:, : -2 * gap], beside[:, 2 * gap :])
    clear = darker > CLEAR * paper
    seen = here <= (1 - DEPTH) * darker
    # Print beside a streak makes it look no darker than its sides; it is only gone where it is as bright as the paper.
    gone = here > (1 - DEPTH / 2) * near
    return np.asarray(clear & seen), np.asarray(clear & gone)


def find_spans(runs: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last column of each unbroken run."""
    edges = np.diff(np.concatenate([[False], runs, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1

"""Ink of a page as marks: connected components, and which of them are machine print."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.fields.printed import PRINT_SCORE, score_print
from docproc.fields.rows import Floats, Place
from docproc.fields.twins import count_twins
from docproc.types import Box, CleanPage

Bools = NDArray[np.bool_]

LETTER_INCH = (0.03, 0.5)
"""Heights of marks that may be letters: 5 pt x-height to tall handwriting. Smaller ones are dots and dust."""


TICK_INCH = (0.06, 0.22)
TICK_ASPECT = 1.35
TICK_RIM = 0.12
TICK_COVER = 0.85
"""A tick box is a square of this size whose four sides, this share of it deep, are closed to this share."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Marks of a page in order of their bottoms: edges, ink, which are letters by size, print score, tick boxes.

    `score` is nan where nothing tells print from handwriting.
    """

    place: Place
    area: Floats
    letter: Bools
    score: Floats
    tick: Bools

    @property
    def printed(self) -> Bools:
        """Letters of machine print."""
        return self.score >= PRINT_SCORE

    def inside(self, box: Box) -> Bools:
        """Which marks have their middle in the box."""
        x, y = (self.place.left + self.place.right) / 2, (self.place.top + self.place.bottom) / 2
        return np.asarray((x >= box.x) & (x < box.right) & (y >= box.y) & (y < box.bottom))


def find_marks(page: CleanPage) -> Marks:
    """Find the components of the page's ink and score them."""
    ink = page.ink.astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_GRANA)
    stats = stats[1:][np.argsort(stats[1:, 1] + stats[1:, 3], kind="stable")]
    left, top, width, height, area = stats.T.astype(np.float64)
    place = Place(left, top, left + width, top + height)
    low, high = LETTER_INCH[0] * page.dpi, LETTER_INCH[1] * page.dpi
    letter = (height >= low) & (height <= high) & (width <= 2 * high)
    coarseness = find_coarseness(page)
    score = np.full(len(left), np.nan)
    twins = count_twins(ink, stats[letter, :4].astype(np.int32), coarseness)
    score[letter] = score_print(place.take(letter), twins, coarseness)
    return Marks(place, area, letter, score, find_ticks(ink, place, page.dpi))


def find_coarseness(page: CleanPage) -> float:
    """A stored pixel in pixels: shapes and levels are only as exact, however much the page was enlarged."""
    return max(1.0, 0.5 / float(np.sqrt(abs(np.linalg.det(page.to_scan[:2, :2])))))


def find_ticks(ink: NDArray[np.uint8], place: Place, dpi: float) -> Bools:
    """Which marks are tick boxes, ticked or not."""
    width, height = place.width, place.height
    low, high = TICK_INCH[0] * dpi, TICK_INCH[1] * dpi
    square = (np.maximum(width, height) <= high) & (np.minimum(width, height) >= low)
    square &= np.maximum(width, height) <= TICK_ASPECT * np.minimum(width, height)
    for index in np.flatnonzero(square).tolist():
        x, y, right, bottom = (int(edge[index]) for edge in place)
        mark = ink[y:bottom, x:right]
        rim = max(2, round(TICK_RIM * len(mark)))
        rows = (mark[:rim].max(axis=0).mean(), mark[-rim:].max(axis=0).mean())
        columns = (mark[:, :rim].max(axis=1).mean(), mark[:, -rim:].max(axis=1).mean())
        square[index] = min(*rows, *columns) >= TICK_COVER
    return square

"""Ink of a page as marks (connected components), and which of them are machine print.

Print sits on common lines: the bottoms and tops of the letters of a line agree to a pixel. Handwriting does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import CleanPage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LETTER_INCH = (0.03, 0.5)
"""Heights of marks that are compared: 5 pt x-height to tall handwriting. Smaller ones are dots and dust."""
NEAR = 10.0
"""Letters are compared with those of their row this many heights away."""
ALIKE = 2.2
"""Letters whose heights differ by more than this factor are not compared."""
LEVEL = 0.03
"""Share of its height by which a mark may miss the level of another, and at least:"""
LEVEL_PIXELS = 1.3
PRINT_SCORE = 0.43
"""Print has about 0.65, handwriting 0.25: 95 % of handwritten numbers stay below 0.4."""
MIN_COMPARED = 2
CHUNK = 400


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Marks of a page: edges in pixels, which are letters by size, and how print-like, nan where nothing tells."""

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    area: Floats
    letter: Bools
    score: Floats

    @property
    def height(self) -> Floats:
        """Of each mark."""
        return self.bottom - self.top

    @property
    def width(self) -> Floats:
        """Of each mark."""
        return self.right - self.left

    @property
    def printed(self) -> Bools:
        """Letters that stand in line with their neighbours."""
        return self.score >= PRINT_SCORE


def find_marks(page: CleanPage) -> Marks:
    """Components of the page's ink with their print score, in order of their bottoms."""
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        page.ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    stats = stats[1:].astype(np.float64)
    x, y, width, height, area = stats[np.argsort(stats[:, 1] + stats[:, 3], kind="stable")].T
    low, high = LETTER_INCH[0] * page.dpi, LETTER_INCH[1] * page.dpi
    letter = (height >= low) & (height <= high) & (width <= 2 * high)
    score = np.full(len(x), np.nan)
    stored = 1 / float(np.sqrt(abs(np.linalg.det(page.to_scan[:, :2]))))
    raw = align(x[letter], y[letter], width[letter], height[letter], LEVEL_PIXELS * max(1.0, stored / 2))
    score[letter] = smooth_rows(x[letter], y[letter], width[letter], height[letter], raw)
    return Marks(x, y, x + width, y + height, area, letter, score)


def align(x: Floats, y: Floats, width: Floats, height: Floats, least: float) -> Floats:
    """Share of the bottoms and tops of row neighbours that are level with each letter's own; nan without neighbours.

    Letters come in order of their bottoms.
    """
    middle, bottom = x + width / 2, y + height
    score = np.full(len(x), np.nan)
    for start in range(0, len(x), CHUNK):
        own = slice(start, start + CHUNK)
        other = slice(max(0, start - CHUNK // 2), start + CHUNK + CHUNK // 2)
        tall, their = height[own, None], height[None, other]
        overlap = np.minimum(bottom[own, None], bottom[None, other]) - np.maximum(y[own, None], y[None, other])
        row = (overlap > 0.5 * np.minimum(tall, their)) & (their < ALIKE * tall) & (tall < ALIKE * their)
        row &= np.abs(middle[own, None] - middle[None, other]) < NEAR * np.maximum(tall, their / 2)
        row &= np.arange(len(x))[own, None] != np.arange(len(x))[None, other]
        level = np.maximum(least, LEVEL * tall)
        bottoms = row & (np.abs(bottom[own, None] - bottom[None, other]) <= level)
        tops = row & (np.abs(y[own, None] - y[None, other]) <= level)
        count = row.sum(axis=1)
        share = (bottoms.sum(axis=1) + tops.sum(axis=1)) / np.maximum(1, 2 * count)
        score[own] = np.where(count >= MIN_COMPARED, share, np.nan)
    return score


def smooth_rows(x: Floats, y: Floats, width: Floats, height: Floats, score: Floats) -> Floats:
    """Average each score with those of the letters directly before and behind: one letter says little alone."""
    before, behind = neighbours(x, y, width, height)
    total, weight = np.where(np.isnan(score), 0.0, 2 * score), np.where(np.isnan(score), 0.0, 2.0)
    for beside in (before, behind):
        there = np.flatnonzero(beside >= 0)
        value = score[beside[there]]
        known = ~np.isnan(value)
        total[there[known]] += value[known]
        weight[there[known]] += 1
    return np.where(weight >= 2, total / np.maximum(weight, 1), np.nan)


def neighbours(
    x: Floats, y: Floats, width: Floats, height: Floats, gap: float = 1.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of the nearest letter before and behind each in its row, at most `gap` heights away; -1 where none is."""
    right, bottom = x + width, y + height
    before = np.full(len(x), -1)
    behind = np.full(len(x), -1)
    for start in range(0, len(x), CHUNK):
        own = slice(start, start + CHUNK)
        other = slice(max(0, start - CHUNK // 2), start + CHUNK + CHUNK // 2)
        first = other.start
        tall, their = height[own, None], height[None, other]
        overlap = np.minimum(bottom[own, None], bottom[None, other]) - np.maximum(y[own, None], y[None, other])
        row = overlap > 0.35 * np.minimum(tall, their)
        reach = gap * np.maximum(tall, their)
        distance = x[None, other] - right[own, None]
        ahead = row & (x[None, other] > x[own, None]) & (distance <= reach)
        distance = np.where(ahead, distance, np.inf)
        nearest = distance.argmin(axis=1)
        found = np.flatnonzero(np.isfinite(distance.min(axis=1)))
        behind[start + found] = first + nearest[found]
    for index in np.flatnonzero(behind >= 0):
        before[behind[index]] = index
    return before, behind

"""Ink of one field → connected components, specks left out, with the scale of the writing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Box, Ink

SPECK_STROKES = 0.8
"""A component smaller than a square this many stroke widths wide is dust."""
ROW_OVERLAP = 0.25
"""A component belongs to the row of writing if at least this share of its height lies in it."""
MAIN_SHARE = 0.5
"""Components at least this share of the tallest say how high the writing is."""
OTHER_SHARE = 0.6
"""Ink above or below the row that is this share of its height, and whole, may be another number."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Connected ink of one field. `labels` is int32[h, w], 0 is paper; `boxes[i]` and `areas[i]` are label i + 1.

    `height` is the height of the writing and `stroke` the width of the pen, in pixels; both 0 without ink. `other_row`
    says that there is more writing above or below, which was dropped.
    """

    labels: NDArray[np.int32]
    boxes: tuple[Box, ...]
    areas: tuple[int, ...]
    height: float
    stroke: float
    other_row: bool = False


def find_components(ink: Ink, gaps: tuple[tuple[int, int], ...] = (), framed: bool = False) -> Components:
    """Label the ink of a field; drop specks and what stands wholly above or below the row of writing.

    `gaps` are first and past-the-last columns between a comb's cells; a dash or slash standing in one is dropped too.
    If the field is `framed`, what reaches in from others is out already, and what lies at its edge is its own.
    """
    count, labels, found, centers = cv2.connectedComponentsWithStatsWithAlgorithm(
        ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    if count <= 1:
        return Components(np.zeros(ink.shape, np.int32), (), (), 0.0, 0.0)
    stats = np.asarray(found[1:], np.int32)
    middles = np.asarray(centers[1:, 1], np.float64)
    stroke = estimate_stroke(ink)
    keep = stats[:, cv2.CC_STAT_AREA] >= (SPECK_STROKES * stroke) ** 2
    for start, stop in gaps:
        keep &= (centers[1:, 0] < start) | (centers[1:, 0] >= stop)
    in_row = _in_row(stats, middles, keep)
    dropped = stats[keep & ~in_row]
    keep &= in_row
    numbers = np.zeros(count, np.int32)
    numbers[1:][keep] = np.arange(1, keep.sum() + 1)
    stats = stats[keep]
    if not len(stats):
        return Components(np.zeros(ink.shape, np.int32), (), (), 0.0, 0.0)
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    height = float(np.median(heights[heights >= MAIN_SHARE * heights.max()]))
    return Components(
        numbers[labels],
        tuple(Box(*row[:4]) for row in stats.tolist()),
        tuple(stats[:, cv2.CC_STAT_AREA].tolist()),
        height,
        stroke,
        _is_writing(dropped if framed else _whole(dropped, ink.shape[0]), height),
    )


def estimate_stroke(ink: Ink) -> float:
    """Width of the pen in pixels: twice the ink's area over the length of its outline."""
    inside = cv2.erode(ink.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    area = int(ink.sum())
    outline = area - int(inside.sum())
    # The outline's pixels belong to the ink themselves: a line two pixels wide is all outline.
    return max(1.0, 2 * area / outline) if outline else 0.0


def _in_row(stats: NDArray[np.int32], middles: NDArray[np.float64], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which components share rows with the main row of writing: the one in which most tall ink stands."""
    top = stats[:, cv2.CC_STAT_TOP]
    height = stats[:, cv2.CC_STAT_HEIGHT]
    bottom = top + height
    tall = keep & (height >= MAIN_SHARE * height[keep].max(initial=1))
    if not tall.any():
        return keep
    area = stats[:, cv2.CC_STAT_AREA].astype(float)
    # Each tall component votes with its area for the components whose middle lies within its height.
    rows = tall & (middles >= top[tall, None]) & (middles < bottom[tall, None])
    row = rows[np.argmax(rows @ area)]
    first, last = float(np.median(top[row])), float(np.median(bottom[row]))
    shared = np.minimum(bottom, last) - np.maximum(top, first)
    return np.asarray(shared >= ROW_OVERLAP * height)


def _whole(stats: NDArray[np.int32], rows: int) -> NDArray[np.int32]:
    """The components without those that reach in from above or below: they belong to a neighbour."""
    top, high = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_HEIGHT]
    return np.asarray(stats[(top > 0) & (top + high < rows)])


def _is_writing(stats: NDArray[np.int32], height: float) -> bool:
    """Whether any component is as high as a digit."""
    return bool((stats[:, cv2.CC_STAT_HEIGHT] >= OTHER_SHARE * height).any())

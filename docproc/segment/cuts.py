"""Candidate cuts through touching digits: cheap paths from the top of a field to its bottom.

Two kinds of place propose themselves: where a path crosses least ink, and where the outline of the ink is pinched,
as between two zeros, whose join is often thicker than their flanks.

A cut is a path that moves one row down and at most one column aside at each step and pays for the ink that it
crosses, so it bends round a neighbouring digit and follows slanted writing (the "drop fall" family of cuts,
Congedo et al., ICDAR 1995, as one shortest-path problem).
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.segment.components import Components
from docproc.types import Box

WIDE = 0.62
"""A component wider than this many digit heights may be more than one digit."""
MARGIN = 0.12
"""No cut closer than this many digit heights to a component's side: the sliver would be no digit."""
SPACING = 0.14
"""Cuts stand at least this many digit heights apart."""
STROKES_CROSSED = 2.8
"""A cut may cross this many stroke widths of ink: one join is one to two, the flanks of a 0 are two."""
PINCHED, BESIDE = 0.9, 0.45
"""The outline is pinched where it is at most this share as high as somewhere on both sides, within so many digit
heights: small zeros joined to each other are told apart like large ones."""
MERGED = 0.07
"""Pinches nearer than this many digit heights to a cheap path are that path."""
PAPER_COST, ASIDE_COST = 5 / 256, 26 / 256
"""Of the cost of a pixel of ink; sums of these are exact in float32, so a wider margin breaks no tie otherwise."""


def find_cuts(components: Components) -> NDArray[np.int32]:
    """Cut paths for the components wide enough to be several digits: int32[cuts, h], the column at each row."""
    wide = [i for i, box in enumerate(components.boxes) if box.width > WIDE * components.height]
    rows = components.labels.shape[0]
    if not wide:
        return np.zeros((0, rows), np.int32)
    # Above and below the writing a path goes straight, and from either end it is followed to the wide ones' middles.
    inked = np.flatnonzero(components.labels.any(1))
    top, bottom = int(inked[0]), int(inked[-1]) + 1
    middles = [components.boxes[i].y + components.boxes[i].height // 2 for i in wide]
    span = max(max(middles) + 1 - top, bottom - min(middles))
    cost = np.where(components.labels > 0, np.float32(1), np.float32(PAPER_COST))
    totals, backs = _cheapest(np.stack([cost[top : top + span], cost[bottom - span : bottom][::-1]], axis=1))
    (down, up), (back_up, back_down) = totals.swapaxes(0, 1), backs.swapaxes(0, 1)
    most = STROKES_CROSSED * components.stroke + PAPER_COST * (bottom - top)
    paths: list[NDArray[np.int32]] = []
    for i, middle in zip(wide, middles, strict=True):
        box = components.boxes[i]
        through = down[middle - top] + up[bottom - 1 - middle] - cost[middle]
        cheap = _minima(through, box, most, components)
        for column in cheap:
            above = _follow(back_up, middle - top, column)
            below = _follow(back_down, bottom - 1 - middle, column)
            path = np.empty(rows, np.int32)
            path[top : middle + 1], path[middle:bottom] = above[::-1], below
            path[:top], path[bottom:] = above[-1], below[-1]
            paths.append(path)
        near = MERGED * components.height
        pinched = _minima(_pinches(components, i), box, PINCHED, components)
        # A thick join is cut straight: a cheap path would escape into the hollow of a zero and cut its arc.
        straight = [column for column in pinched if all(abs(column - other) > near for other in cheap)]
        paths.extend(np.full(rows, column, np.int32) for column in straight)
    return np.array(paths, np.int32).reshape(-1, rows)


def _pinches(components: Components, i: int) -> NDArray[np.float32]:
    """Height of a component's outline at each column of the field, as a share of the lower of its two neighbours."""
    box = components.boxes[i]
    own = components.labels[box.y : box.bottom, box.x : box.right] == i + 1
    down = np.arange(1, box.height + 1, dtype=np.float32)[:, None]
    heights = (own * down).max(0) + (own * down[::-1]).max(0) - box.height
    spans = cv2.blur(heights[None], (3, 1))[0]
    reach = max(2, round(BESIDE * components.height))
    padded = np.zeros(len(spans) + 2 * reach, np.float32)
    padded[reach:-reach] = spans
    # Entry j is the highest of the `reach` columns that end with j.
    highest = cv2.dilate(padded[None], np.ones((1, reach), np.uint8), anchor=(reach - 1, 0))[0]
    beside = np.minimum(highest[reach - 1 : -reach - 1], highest[2 * reach :])
    pinches = np.ones(components.labels.shape[1], np.float32)
    pinches[box.x : box.right] = spans / np.maximum(beside, 1)
    return pinches


def _minima(prices: NDArray[np.float32], box: Box, most: float, components: Components) -> list[int]:
    """Columns of local minima up to `most`, strictly inside a component, lowest first thinned to the spacing."""
    left, right = box.x, box.right
    margin = max(2, round(MARGIN * components.height))
    spacing = max(2, round(SPACING * components.height))
    if right - margin <= left + margin:
        return []
    lowest = cv2.erode(prices[None, left:], np.ones((1, 2 * spacing + 1), np.uint8))[0]
    inside = slice(margin, right - left - margin)
    here = prices[left:][inside]
    columns = left + margin + np.flatnonzero((here <= most) & (here <= lowest[inside]))
    chosen: list[int] = []
    for column in columns[np.argsort(prices[columns], kind="stable")].tolist():
        if all(abs(column - other) >= spacing for other in chosen):
            chosen.append(column)
    return chosen


def _cheapest(cost: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Cheapest cost from the first row to each pixel, and the step (-1, 0, 1) back to the row before.

    All are [rows, fields, columns]: several fields at once cost hardly more than one.
    """
    rows, fields, columns = cost.shape
    # Beside each field is a column that no path takes, so that all fields are one row of numbers.
    total = np.full((rows, fields, columns + 2), np.inf, np.float32)
    total[:, :, 1:-1] = cost
    flat = total.reshape(rows, -1)
    best = np.empty(flat.shape[1] - 2, np.float32)
    for before, here in pairwise(flat):
        np.minimum(before[:-2], before[2:], out=best)
        best += ASIDE_COST
        np.minimum(best, before[1:-1], out=best)
        here[1:-1] += best
    # Which way each minimum came from is found for all rows at once; straight down goes before left, left before right.
    straight, left, right = total[:-1, :, 1:-1], total[:-1, :, :-2] + ASIDE_COST, total[:-1, :, 2:] + ASIDE_COST
    from_right = right < np.minimum(straight, left)
    back = np.zeros(cost.shape, np.int8)
    back[1:] += from_right
    back[1:] -= (left < straight) & ~from_right
    return total[:, :, 1:-1], back


def _follow(back: NDArray[np.int8], row: int, column: int) -> NDArray[np.int32]:
    """Columns of the path from `row` back to row 0, beginning at `row`."""
    path = np.empty(row + 1, np.int32)
    path[0] = column
    for i in range(row):
        column += int(back[row - i, column])
        path[i + 1] = column
    return path

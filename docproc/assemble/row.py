"""The row that a field's digits stand in: how high they are, and where they reach from and to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from docproc.types import NOT_A_DIGIT, Box, Probs, Segment

ALIKE = 0.35
"""Segments whose height is within this share of the row's say where the row lies."""
LIKELY = 0.3
SLIM, SLIM_COUNTS, LEAST_BREADTH = 0.3, 0.3, 0.15
"""A piece less broad than this, in heights of the row and its lean apart, may be a 1, and counts so much for how the
writing leans whatever it is; breadths below the last one are not told apart."""
LEAST_TOLD = 1e-6
"""Pieces of less weight together tell nothing."""
LONG_ROW = 3.0
ENOUGH = 4
"""A row slopes if so many likely digits stand over more than so many digit heights."""


class Line(NamedTuple):
    """A straight line over a field: y = slope · x + level, in pixels."""

    slope: float
    level: float

    def at(self, x: float) -> float:
        """Height of the line at a column."""
        return self.slope * x + self.level


class Row(NamedTuple):
    """Height of the writing in pixels, and the lines on which its digits end above and below."""

    height: float
    top: Line
    foot: Line

    def sinks(self, box: Box) -> float:
        """How far below the row's top a segment begins, in digit heights."""
        return (box.y - self.top.at(box.x + box.width / 2)) / self.height

    def floats(self, box: Box) -> float:
        """How far above the row's foot a segment ends, in digit heights."""
        return (self.foot.at(box.x + box.width / 2) - box.bottom) / self.height


NO_ROW = Row(0.0, Line(0.0, 0.0), Line(0.0, 0.0))


def measure_row(segments: Sequence[Segment], probs: Probs) -> Row:
    """Find the row from what is likely a digit; without any, from the tallest ink."""
    if not segments:
        return NO_ROW
    boxes = np.array([segment.box for segment in segments], float)
    middles, tops, heights = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1], boxes[:, 3]
    weights = (1 - probs[:, NOT_A_DIGIT].astype(float)) ** 2
    if weights.max() < LIKELY**2:
        weights = (heights == heights.max()).astype(float)
    height = _median(heights, weights)
    alike = weights * (np.abs(heights - height) <= ALIKE * height)
    return Row(height, _line(middles, tops, alike, height), _line(middles, tops + heights, alike, height))


def lean_beyond(segments: Sequence[Segment], probs: Probs, row: Row) -> NDArray[np.float64]:
    """How much more each segment leans than the single pieces beside it, as `Segment.lean` counts it: float64[n].

    Slim pieces tell best how a hand leans: the bar of a 5 makes it lean of itself. 0 where nothing else tells.
    """
    boxes = np.array([segment.box for segment in segments], float).reshape(-1, 4)
    leans = np.array([segment.lean for segment in segments])
    breadths = (boxes[:, 2] - np.abs(leans) * boxes[:, 3]) / max(row.height, 1.0)
    weights = np.maximum((1 - probs[:, NOT_A_DIGIT].astype(float)) ** 2, SLIM_COUNTS * (breadths < SLIM))
    weights *= [segment.stop == segment.start + 1 for segment in segments]
    weights *= np.abs(boxes[:, 3] - row.height) <= ALIKE * row.height
    weights /= np.maximum(breadths, LEAST_BREADTH)
    others = weights.sum() - weights
    told = others > LEAST_TOLD
    beside = (weights @ leans - weights * leans) / np.where(told, others, 1.0)
    return np.where(told, leans - beside, 0.0)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64], height: float) -> Line:
    likely = weights > LIKELY
    if likely.sum() < ENOUGH or np.ptp(x[likely]) < LONG_ROW * height:
        return Line(0.0, _median(y, weights))
    slope, level = np.polyfit(x, y, 1, w=np.sqrt(weights))
    return Line(float(slope), float(level))


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    half = int(np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2))
    return float(values[order][min(half, len(order) - 1)])

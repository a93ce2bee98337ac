"""Letters that come again in the same shape and size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 12
"""Letters are compared as squares of this many pixels a side."""
SIZE_PIXELS = 1.5
"""Twins differ in width and height by no more than this, at the resolution of the scan."""
DIFFERENT = 0.16
"""Most squared difference of twins, as a share of the ink."""
COMPARED = 120
"""Candidates of the same height that each letter is compared with; a page of print has more, and needs no more."""


def count_twins(ink: NDArray[np.uint8], boxes: NDArray[np.int32], coarseness: float) -> NDArray[np.int64]:
    """Count for each box how many others hold the same shape.

    `ink` is 0 or 1; `coarseness` is the stored pixel in pixels, if above 1.
    """
    shapes = draw_shapes(ink, boxes)
    energy = (shapes * shapes).sum(axis=1)
    reach = SIZE_PIXELS * coarseness
    order = np.lexsort((boxes[:, 2], boxes[:, 3]))
    width, height = boxes[order, 2].astype(np.float64), boxes[order, 3].astype(np.float64)
    shapes, energy = shapes[order], energy[order]
    first = np.searchsorted(height, height - reach)
    last = np.searchsorted(height, height + reach, side="right")
    counts = np.zeros(len(boxes), np.int64)
    for index in range(len(order)):
        others = np.arange(first[index], last[index])
        others = others[np.abs(width[others] - width[index]) <= reach]
        others = others[others != index][:COMPARED]
        away = energy[others] + energy[index] - 2 * shapes[others] @ shapes[index]
        counts[order[index]] = np.count_nonzero(away < DIFFERENT * np.minimum(energy[others], energy[index]))
    return counts


def draw_shapes(ink: NDArray[np.uint8], boxes: NDArray[np.int32]) -> NDArray[np.float32]:
    """Each box of the ink shrunk to a square, one row each, 0 to 1."""
    shapes = np.zeros((len(boxes), SIDE * SIDE), np.float32)
    bright = ink * np.uint8(255)
    for index, (x, y, width, height) in enumerate(boxes.tolist()):
        small = cv2.resize(bright[y : y + height, x : x + width], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        shapes[index] = small.ravel()
    return shapes / np.float32(255)

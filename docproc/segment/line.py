"""A field's row of writing → one picture of fixed height, for the reader that reads it as a whole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.segment.normalize import find_full_ink
from docproc.types import Gray, Line

HEIGHT = 32
"""Pixels that a row is high in its picture, margins included."""
MOST_WIDTH = 768
"""Longer rows are squeezed: no field of numbers is so long."""
FRINGE = 0.01
"""This share of the ink may stand out above the row, and as much below: a long slash, the tail of a 9."""
MARGIN = 0.15
"""Paper around the row, in heights of the row."""


def draw_line(gray: Gray, own: NDArray[np.bool_]) -> Line:
    """Cut the row out of a field: uint8[2, 32, w].

    `gray` is the evened field, `own` its ink without rulings and specks. The first plane is the darkness of all that is
    there, the second says what of it is ink of the row. A field without ink is 0 wide.
    """
    rows = np.cumsum(own.sum(1))
    columns = np.flatnonzero(own.any(0))
    if not len(columns):
        return np.zeros((2, HEIGHT, 0), np.uint8)
    first, last = (int(np.searchsorted(rows, share * rows[-1])) for share in (FRINGE, 1 - FRINGE))
    margin = max(1, round(MARGIN * (last + 1 - first)))
    top, bottom = max(0, first - margin), last + 1 + margin
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin
    dark = 255 - gray[top:bottom, left:right]
    mask = own[top:bottom, left:right]
    levels = np.minimum(np.arange(256) * (255.0 / find_full_ink(dark[mask])), 255).astype(np.uint8)
    planes = (cv2.LUT(dark, levels), mask.astype(np.uint8) * np.uint8(255))
    # A row at the edge of its field gets the margin that is missing there, so that digits are always as high.
    missing = (max(0, margin - first), max(0, bottom - gray.shape[0]))
    high = mask.shape[0] + sum(missing)
    width = min(MOST_WIDTH, max(4, round(mask.shape[1] * HEIGHT / high)))
    padded = (cv2.copyMakeBorder(plane, *missing, 0, 0, cv2.BORDER_CONSTANT) for plane in planes)
    way = cv2.INTER_AREA if high > HEIGHT else cv2.INTER_LINEAR
    return np.stack([np.asarray(cv2.resize(plane, (width, HEIGHT), interpolation=way), np.uint8) for plane in padded])


def erase_others(gray: Gray, own: NDArray[np.bool_]) -> Gray:
    """A field with nothing on it but its own ink and the soft edge of that."""
    near = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(near, gray, np.uint8(255))

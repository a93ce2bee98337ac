"""Writing too faint to be ink: a field must not pass for blank because the pencil was hard."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from docproc.types import Box, CleanPage

DARKER = 14
"""Grey levels below paper, averaged over a stroke, that paper grain does not reach."""
GRAIN_INCH = 0.008
TALL_INCH = 0.09
"""Lowest handwritten digit: 2.3 mm."""
RULING_INCH = 0.02
"""Rulings and their soft edges reach this far beyond their box."""


def has_faint_writing(page: CleanPage, box: Box, printed: Sequence[Box] = ()) -> bool:
    """Whether a field without ink holds a stroke as tall as a digit that is merely darker than paper; `printed` are
    marks in it that are no writing."""
    margin = round(RULING_INCH * page.dpi)
    gray = page.gray[box.y : box.bottom, box.x : box.right]
    if min(gray.shape) <= 2 * margin:
        return False
    marks = (cv2.GaussianBlur(gray, (0, 0), GRAIN_INCH * page.dpi) < 255 - DARKER).astype(np.uint8)
    for mark in (*(ruling.box for ruling in page.rulings), *printed):
        x, y = mark.x - box.x - margin, mark.y - box.y - margin
        right, bottom = mark.right - box.x + margin, mark.bottom - box.y + margin
        marks[max(0, y) : max(0, bottom), max(0, x) : max(0, right)] = 0
    count, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(marks, 8, cv2.CV_32S, cv2.CCL_GRANA)
    inside = stats[1:count]
    tall = inside[:, cv2.CC_STAT_HEIGHT] >= TALL_INCH * page.dpi
    edges = (inside[:, cv2.CC_STAT_LEFT] > 0) & (
        inside[:, cv2.CC_STAT_LEFT] + inside[:, cv2.CC_STAT_WIDTH] < gray.shape[1]
    )
    return bool((tall & edges).any())

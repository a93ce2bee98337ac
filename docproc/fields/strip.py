"""A strip to its field: the whole picture, or the one box or comb that it shows."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.fields.cells import find_rectangles
from docproc.fields.free import locate_free
from docproc.types import Box, CleanPage, Field, Ink

BORDER_INCH = 0.1
"""What a ruling runs on beyond a box by no more than this is too narrow for a cell: an end, or a bit of a letter."""
TALL_INCH = 0.09
"""Lowest handwritten digit: 2.3 mm."""


def locate_strip(page: CleanPage) -> Field:
    """Find what a picture of one field asks for: what stands outside its only box, as a unit does, is no part of it."""
    height, width = page.gray.shape
    whole = Field("1", Box(0, 0, width, height), "strip")
    if not find_rectangles(page.rulings, page.ink.shape, page.dpi):
        return whole
    frames = [field for field in locate_free(page) if field.kind != "line"]
    if len(frames) != 1 or not spans_rulings(frames[0].box, page):
        return whole
    return Field("1", frames[0].box, "comb" if frames[0].cells else "strip", frames[0].cells)


def spans_rulings(box: Box, page: CleanPage) -> bool:
    """Whether no ruling stands outside the box or leaves it: then only a part of the comb would have been found."""
    reach = BORDER_INCH * page.dpi
    rulings = (ruling.box for ruling in page.rulings)
    return all(box.x - reach <= ruling.x and ruling.right <= box.right + reach for ruling in rulings)


def has_ink_outside(page: CleanPage, box: Box) -> bool:
    """Whether ink as tall as a digit stands outside a strip's box: mostly a unit, but a digit must not go unseen."""
    outside = page.ink.copy()
    outside[box.y : box.bottom, box.x : box.right] = False
    return has_tall(outside, page.dpi)


def has_tall(ink: Ink, dpi: float) -> bool:
    """Whether any connected ink is as tall as a digit."""
    if not ink.any():
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink.astype(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA)
    return bool((stats[1:, cv2.CC_STAT_HEIGHT] >= TALL_INCH * dpi).any())

"""A clean page to its fields."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from docproc.fields.free import locate_free
from docproc.fields.strip import locate_strip
from docproc.types import CleanPage, Field, Ink

TALL_INCH = 0.09
"""A digit is at least so high: 2.3 mm."""


def locate(page: CleanPage, strips: bool = False) -> tuple[Field, ...]:
    """Find the places of a page where numbers are expected, in reading order; a strip is one field."""
    fields = (locate_strip(page),) if strips else locate_free(page)
    return fields if page.lost is None else tuple(doubt_lost(page.lost, page.dpi, field) for field in fields)


def doubt_lost(lost: Ink, dpi: float, field: Field) -> Field:
    """Flag a field in which a mark as high as a digit went with the colour of the form: it may be a pen's."""
    box = field.box
    inside = lost[box.y : box.bottom, box.x : box.right].astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(inside, 8, cv2.CV_32S, cv2.CCL_GRANA)
    tall = (stats[1:, cv2.CC_STAT_HEIGHT] >= TALL_INCH * dpi).any()
    return replace(field, flags=(*field.flags, "not-a-digit")) if tall else field

"""Fields whose values a fault of the scan may have changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from docproc.clean.quality import Faults, Line
from docproc.types import Box, Field, Homography

HARMFUL = 0.06
"""A streak of this depth may be taken for ink or for a ruling. Three of 0.08 through the fields of a page changed no
value that was accepted; of 0.12, two among 260 were wrong then, and of 0.25, one in four. A thin one seems half as deep
on the reduced picture."""
BESIDE = 2.0
"""A streak, and the edge where a page is cut off, may be taken for the side of a box. A field that ends near to one, in
its own heights, is in doubt too: the rest of its number may lie in the cell that was divided, which is lost."""


def doubt_fields(fields: tuple[Field, ...], faults: Faults, to_scan: Homography) -> tuple[Field, ...]:
    """The fields, with the flags `streaked` and `cut-off` where a streak runs or writing is cut off.

    `to_scan` maps pixels of the page on which the fields lie to those of the scan.
    """
    streaks = [Line(streak.axis, streak.at) for streak in faults.streaks if streak.depth >= HARMFUL]
    for flag, lines in (("streaked", streaks), ("cut-off", faults.cuts)):
        if lines:
            fields = tuple(
                replace(field, flags=(*field.flags, flag)) if is_near(field.box, lines, to_scan) else field
                for field in fields
            )
    return fields


def is_near(box: Box, lines: Iterable[Line], to_scan: Homography) -> bool:
    """Whether any of the lines of the scan runs through the box or close beside it."""
    corners = np.array([[(x, y) for x in (box.x, box.right) for y in (box.y, box.bottom)]], np.float64)
    there = cv2.perspectiveTransform(corners, to_scan)[0]
    low, high = there.min(axis=0), there.max(axis=0)
    beside = BESIDE * float((high - low).min())
    return any(
        low[axis] - beside <= at <= high[axis] + beside for axis, at in (("xy".index(name), at) for name, at in lines)
    )

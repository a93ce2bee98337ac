"""Segments → 28x28 crops, as MNIST's authors made theirs: longest side 20 pixels, center of mass in the middle.

The crop keeps the grey of the scan: at 100 dpi a stroke is three pixels wide and half its shape lies in its edges.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.segment.lattice import Proposal
from docproc.types import Crops, Gray

SIDE = 28
GLYPH = 20
"""Longest side of a glyph inside its crop (LeCun et al., Proc. IEEE 86, 1998, section III.A)."""
FULL_INK = 70
"""This percentile of a glyph's darkness becomes full ink, so that pencil and felt pen look alike."""


def normalize(gray: Gray, proposal: Proposal) -> Crops:
    """Cut each segment out of the evened page: uint8[segments, 28, 28], other ink erased."""
    field = proposal.lattice.field.box
    dark = 255 - gray[field.y : field.bottom, field.x : field.right]
    ink = proposal.labels > 0
    crops = np.zeros((len(proposal.lattice.segments), SIDE, SIDE), np.uint8)
    for crop, segment in zip(crops, proposal.lattice.segments, strict=True):
        x, y = segment.box.x - field.x, segment.box.y - field.y
        # One pixel round the ink: the soft edge of the stroke belongs to it.
        rows = slice(max(0, y - 1), y + segment.box.height + 1)
        columns = slice(max(0, x - 1), x + segment.box.width + 1)
        own = cv2.inRange(proposal.labels[rows, columns], segment.start + 1, segment.stop) > 0
        crop[:] = normalize_glyph(dark[rows, columns], own, ink[rows, columns])
    return crops


def normalize_glyph(dark: Gray, own: NDArray[np.bool_], ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One glyph → its crop; `dark` is ink high, `own` the glyph's pixels, `ink` all pixels that are ink."""
    soft = cv2.dilate(own.view(np.uint8), _AROUND).view(np.bool_) & (own | ~ink)
    levels = np.minimum(_LEVELS * (255.0 / find_full_ink(dark[own])), 255.0).astype(np.float32)
    return center_glyph(np.asarray(cv2.LUT(cv2.copyTo(dark, soft.view(np.uint8)), levels), np.float32))


def find_full_ink(dark: NDArray[np.uint8]) -> float:
    """The darkness of ink that becomes full ink: float, 1 to 255, of uint8[pixels], ink high."""
    if not dark.size:
        return 255.0
    place = FULL_INK * (dark.size - 1) // 100
    return max(1.0, float(np.partition(dark, place)[place]))


def center_glyph(glyph: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale a glyph (ink high, tight box) to 20 pixels and put its center of mass in the middle of 28x28."""
    height, width = glyph.shape
    scale = GLYPH / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(glyph, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    sums = cv2.moments(small)
    mass = sums["m00"]
    crop = np.zeros((SIDE, SIDE), np.uint8)
    if mass <= 0:
        return crop
    y = min(max(0, round((SIDE - 1) / 2 - sums["m01"] / mass)), SIDE - size[1])
    x = min(max(0, round((SIDE - 1) / 2 - sums["m10"] / mass)), SIDE - size[0])
    crop[y : y + size[1], x : x + size[0]] = cv2.convertScaleAbs(small)
    return crop


_AROUND = np.ones((3, 3), np.uint8)
_LEVELS = np.arange(256)

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
    crops = np.zeros((len(proposal.lattice.segments), SIDE, SIDE), np.uint8)
    for crop, segment in zip(crops, proposal.lattice.segments, strict=True):
        x, y = segment.box.x - field.x, segment.box.y - field.y
        # One pixel round the ink: the soft edge of the stroke belongs to it.
        rows = slice(max(0, y - 1), y + segment.box.height + 1)
        columns = slice(max(0, x - 1), x + segment.box.width + 1)
        labels = proposal.labels[rows, columns]
        own = (labels > segment.start) & (labels <= segment.stop)
        crop[:] = normalize_glyph(dark[rows, columns], own, labels > 0)
    return crops


def normalize_glyph(dark: Gray, own: NDArray[np.bool_], ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One glyph → its crop; `dark` is ink high, `own` the glyph's pixels, `ink` all pixels that are ink."""
    soft = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (own | ~ink)
    full = find_full_ink(dark[own])
    glyph = np.where(soft, np.minimum(dark * (255.0 / full), 255.0), 0).astype(np.float32)
    return center_glyph(glyph)


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
    mass = float(small.sum())
    crop = np.zeros((SIDE, SIDE), np.uint8)
    if mass <= 0:
        return crop
    rows, columns = np.arange(size[1]), np.arange(size[0])
    center_y = float((small.sum(1) * rows).sum()) / mass
    center_x = float((small.sum(0) * columns).sum()) / mass
    y = min(max(0, round((SIDE - 1) / 2 - center_y)), SIDE - size[1])
    x = min(max(0, round((SIDE - 1) / 2 - center_x)), SIDE - size[0])
    crop[y : y + size[1], x : x + size[0]] = np.minimum(small, 255).round().astype(np.uint8)
    return crop

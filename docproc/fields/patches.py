"""Looking for a form's print on a scan."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from docproc.fields.bends import Floats, Way, map_points
from docproc.fields.landmarks import PATCH_DPI, PATCH_STEP, Frame, Landmarks, Points
from docproc.types import Gray, Homography, Ink

LIKENESS = 0.6
"""A patch this like its place on the scan is found: prints of one form reach 0.8, unlike print 0.5."""
PAPER = 90
"""The percentile of the tones that is paper."""
DARK = 0.35
"""Print this much darker than its paper must show again: paler print may be lost in a scan of two tones,"""
FADED = 0.3
"""at this share of its darkness at least, for thin rulings on a coarse scan."""
PATCH_SLACK, FRAME_SLACK = 1, 2
"""Pixels at `PATCH_DPI` by which print may be off and still be there: 0.2 mm, and 0.4 mm across a whole field."""


class Seen(NamedTuple):
    """Of each patch: whether the scan shows its place, whether it was found, how far off, in pixels of the form's page,
    and where on the scan."""

    there: Ink
    found: Ink
    off: Points
    at: Points


def look(scan: Gray, way: Way, marks: Landmarks, reach: float) -> Seen:
    """Look for each patch where it should be and `reach` mm around. The scan's pixels are no finer than a patch's."""
    margin = round(reach / 25.4 * PATCH_DPI)
    frames = local_maps(way, marks.centres)
    there = lies_on(scan, frames, marks.patches.shape[1])
    found, off = np.zeros(len(there), np.bool_), np.zeros((len(there), 2))
    for i in np.flatnonzero(there):
        side = marks.patches.shape[1] + 2 * margin
        likeness = cv2.matchTemplate(cut(scan, frames[i], side), marks.patches[i], cv2.TM_CCOEFF_NORMED)
        y, x = (int(place) for place in np.unravel_index(int(likeness.argmax()), likeness.shape))
        if 0 < x < 2 * margin and 0 < y < 2 * margin and likeness[y, x] >= LIKENESS:
            found[i] = True
            off[i] = (x - margin + peak(*likeness[y, x - 1 : x + 2]), y - margin + peak(*likeness[y - 1 : y + 2, x]))
    off *= PATCH_STEP
    return Seen(there, found, off, map_points(way, marks.centres + off))


def patch_scale(way: Way, centres: Points) -> float:
    """By what to shrink the scan, so that its pixels are as fine as those of patches and none is skipped."""
    return float(np.median(1 / np.linalg.norm(local_maps(way, centres)[:, :, :2], axis=1).min(axis=1).clip(1e-6)))


def local_maps(way: Way, centres: Points) -> Floats:
    """float64[N, 2, 3]: pixels of a patch, from its centre, to pixels of the scan. So small a part is not bent."""
    here = map_points(way, centres)
    right, down = (map_points(way, centres + move) - here for move in ((PATCH_STEP, 0.0), (0.0, PATCH_STEP)))
    return np.stack([right, down, here], axis=2)


def lies_on(scan: Gray, frames: Floats, side: int) -> Ink:
    """Whether the whole patch lies on the scan."""
    corners = np.array([[-1, 1, -1, 1], [-1, -1, 1, 1], [0, 0, 0, 0]]) * (side / 2) + [[0], [0], [1]]
    at = frames @ corners
    return np.asarray(((at >= 0) & (at <= np.array(scan.shape[::-1])[:, None])).all(axis=(1, 2)))


def cut(scan: Gray, frame: Floats, side: int) -> Gray:
    """The square around the origin of such a map."""
    centres = frame.copy()
    centres[:, 2] -= frame[:, :2] @ np.full(2, (side - 1) / 2) + 0.5
    way = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(scan, centres, (side, side), flags=way, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def peak(before: float, middle: float, after: float) -> float:
    """Where between neighbours the highest of three values, the middle one, really is: -0.5 to 0.5."""
    bow = before - 2 * middle + after
    return 0.0 if bow >= 0 else float((before - after) / (2 * bow))


def patch_ink(scan: Gray, way: Way, marks: Landmarks) -> Floats:
    """What share of each patch's print is on the scan, whatever else is written there."""
    side = marks.patches.shape[1]
    shares = np.ones(len(marks.centres))
    for i, frame in enumerate(local_maps(way, marks.centres)):
        ink, missing = missing_ink(marks.patches[i], cut(scan, frame, side), PATCH_SLACK)
        shares[i] -= missing.sum() / max(1, ink.sum())
    return shares


def frame_ink(scan: Gray, way: Way, frame: Frame) -> tuple[float, float]:
    """What share of a field's print is on the scan, be it written on; and how long a stretch, in mm, is not."""
    box, (height, width) = frame.box, frame.gray.shape
    corners = np.array([[box.x, box.y], [box.right, box.y], [box.right, box.bottom], [box.x, box.bottom]], np.float64)
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - np.float32(0.5)
    there = (map_points(way, corners) - 0.5).astype(np.float32)
    to_scan: Homography = np.asarray(cv2.getPerspectiveTransform(own, there), np.float64)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    shown = cv2.warpPerspective(scan, to_scan, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    ink, missing = missing_ink(frame.gray, np.asarray(shown, np.uint8), FRAME_SLACK)
    _, _, stats, _ = cv2.connectedComponentsWithStats(missing.astype(np.uint8), connectivity=8)
    stretch = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=0)
    return 1 - missing.sum() / max(1, ink.sum()), float(stretch) * 25.4 / PATCH_DPI


def missing_ink(printed: Gray, shown: Gray, slack: int) -> tuple[Ink, Ink]:
    """The dark print of one picture, and what of it is not dark on the other."""
    expected = darkness(printed)
    ink = np.asarray(expected >= DARK)
    widest = cv2.dilate(darkness(shown), np.ones((2 * slack + 1, 2 * slack + 1), np.uint8))
    return ink, ink & np.asarray(widest < FADED * expected)


def darkness(gray: Gray) -> Floats:
    """How much darker than its paper each pixel is: 0 to 1."""
    paper = max(1.0, float(np.percentile(gray, PAPER)))
    return np.clip(1 - gray / paper, 0, 1)

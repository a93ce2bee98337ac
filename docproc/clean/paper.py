"""A photographed page: what is paper, and what is the desk around it."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.types import Gray, Ink

SMALL = 200
"""The paper is sought in a picture of this many pixels on its longer side."""
MIN_SHARE = 0.25
"""A sheet that is the subject of a photo fills at least this share of it,"""
MAX_SHARE = 0.97
"""and one that fills more has no desk around it."""
DARKER = 0.7
"""The desk is at most this share as bright as the paper; the shaded border of a form is brighter."""
SOLIDITY = 0.9
"""Paper fills this share of its convex hull,"""
SQUARENESS = 0.9
"""and, seen from above, this share of the smallest rectangle around it; a shadow across the paper cuts a corner off."""
MIN_EDGE = 0.3
"""Share of the picture's border that the desk must take: dark panels inside a page touch no border."""


def whiten_desk(gray: Gray) -> Gray:
    """Paint what surrounds the sheet white, where a dark desk does; a scan comes back as it is."""
    factor = SMALL / max(gray.shape)
    size = (max(1, round(gray.shape[1] * factor)), max(1, round(gray.shape[0] * factor)))
    if factor >= 1 or min(size) < 8:
        return gray
    # Print must not make holes in the paper: closing lifts it to the paper around.
    step = max(1, int(1 / factor / 3))
    small = cv2.medianBlur(cv2.resize(gray[::step, ::step], size, interpolation=cv2.INTER_AREA), 5)
    light = np.asarray(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)
    _, bright = cv2.threshold(light, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return gray
    sheet = max(outlines, key=cv2.contourArea)
    hull = cv2.convexHull(sheet)
    area = cv2.contourArea(hull)
    if not MIN_SHARE <= area / light.size <= MAX_SHARE or cv2.contourArea(sheet) < SOLIDITY * area:
        return gray
    _, sides, _ = cv2.minAreaRect(hull)
    if area < SQUARENESS * sides[0] * sides[1]:
        return gray
    inside = cv2.fillConvexPoly(np.zeros_like(light), hull, 1) > 0
    if not is_desk(light, inside):
        return gray
    mask = cv2.resize(cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)), gray.shape[::-1])
    return np.where(mask > 0, gray, np.uint8(255)).astype(np.uint8)


def is_desk(light: Gray, inside: Ink) -> bool:
    """Whether the outside of the sheet, if any, is dark and takes much of the border."""
    if inside.all():
        return False
    rim = np.ones(light.shape, np.bool_)
    rim[2:-2, 2:-2] = False
    desk = float(np.median(light[~inside])) <= DARKER * float(np.median(light[inside]))
    return desk and float((~inside)[rim].mean()) >= MIN_EDGE

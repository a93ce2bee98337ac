"""A photographed page: what is paper, and what is the desk around it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.clean.view import find_lines, shrink
from docproc.types import Gray, Ink

Floats = NDArray[np.float64]

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
DEEP, CROSSING, APART = 3, 3, 8
"""Lines that reach so many pixels of the small picture to both sides of the sheet's edge, so many of them, so far from
each other, go on beyond it: then it is the edge of a shadow on the sheet. A pen or a ruler has two edges."""
NEAR, ASIDE = 8, 1.5
"""The step in brightness may break them, so near the edge; both parts lie on one line to so many pixels."""
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
    if not is_desk(light, inside) or is_crossed(gray, hull, light.shape):
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


def is_crossed(gray: Gray, hull: NDArray[Any], size: tuple[int, ...]) -> bool:
    """Whether printed lines go on across the outline, int32[n, 1, 2] in a picture of that size."""
    middle = np.array(size[::-1]) / 2
    lines = find_lines(shrink(gray)).reshape(-1, 2, 2) * middle.max() + middle
    depths = np.array([[cv2.pointPolygonTest(hull, end, True) for end in line] for line in lines.tolist()])
    depths = depths.reshape(-1, 2)
    # From here on the first end of each line is the deeper one.
    order = np.argsort(-depths, axis=1)
    lines, depths = np.take_along_axis(lines, order[:, :, None], axis=1), np.take_along_axis(depths, order, axis=1)
    through = (depths[:, 0] >= DEEP) & (depths[:, 1] <= -DEEP)
    inner = lines[(depths[:, 0] >= DEEP) & (np.abs(depths[:, 1]) < NEAR)]
    outer = lines[(depths[:, 1] <= -DEEP) & (np.abs(depths[:, 0]) < NEAR)]
    share = (depths[through, :1] / (depths[through, :1] - depths[through, 1:]))[:, None]
    crossings = [
        *(lines[through, :1] * (1 - share) + lines[through, 1:] * share)[:, 0],
        *inner[continue_each_other(inner, outer).any(axis=1), 1],
    ]
    apart: list[Floats] = []
    for crossing in crossings:
        if all(np.hypot(*(crossing - other)) > APART for other in apart):
            apart.append(crossing)
    return len(apart) >= CROSSING


def continue_each_other(lines: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which of the second lines begin where which of the first end, and go on the same way: bool[lines, others]."""
    start, stop = lines[:, None, 0], lines[:, None, 1]
    way = (stop - start) / np.maximum(np.linalg.norm(stop - start, axis=2, keepdims=True), 1e-9)
    begun, ended = others[None, :, 0] - stop, others[None, :, 1] - stop
    aside = [np.abs(way[..., 0] * gone[..., 1] - way[..., 1] * gone[..., 0]) for gone in (begun, ended)]
    ahead = (begun * way).sum(axis=2)
    straight = (aside[0] <= ASIDE) & (aside[1] <= ASIDE) & ((ended * way).sum(axis=2) > ahead)
    return np.asarray(straight & (np.abs(ahead) <= 2 * NEAR))

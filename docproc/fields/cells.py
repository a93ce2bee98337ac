"""Rulings of a page to the closed rectangles they draw."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.types import Box, Ruling

SHRINK = 2
"""Rectangles are searched at this fraction of the resolution: within a stroke's width, at a quarter of the cost."""
BRIDGE_INCH = 0.03
"""Rulings are drawn longer by this at both ends: corners of scanned boxes do not always meet."""
MIN_SIDE_INCH = 0.12
"""Narrower rectangles are tick boxes, and gaps between double rulings."""
MIN_FILL = 0.85
"""Share of its bounding box that a rectangle fills; phone pictures make it a slight trapezium."""
GROW_INCH = 0.01
"""A field reaches this far into its own border, where strokes that touch the border go on."""


def find_rectangles(rulings: tuple[Ruling, ...], shape: tuple[int, ...], dpi: float) -> tuple[Box, ...]:
    """Find the innermost closed rectangles: boxes, comb cells and table cells, without order."""
    height, width = (-(-side // SHRINK) for side in shape)
    lines = np.zeros((height, width), np.uint8)
    bridge = max(1, round(BRIDGE_INCH * dpi / SHRINK))
    for box, horizontal in ((ruling.box, ruling.horizontal) for ruling in rulings):
        x0, y0, x1, y1 = box.x // SHRINK, box.y // SHRINK, -(-box.right // SHRINK), -(-box.bottom // SHRINK)
        if horizontal:
            lines[y0:y1, max(0, x0 - bridge) : x1 + bridge] = 1
        else:
            lines[max(0, y0 - bridge) : y1 + bridge, x0:x1] = 1
    _, _, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(1 - lines, 4, cv2.CV_32S, cv2.CCL_GRANA)
    side = MIN_SIDE_INCH * dpi / SHRINK
    grow = round(GROW_INCH * dpi)
    found = []
    for x, y, w, h, area in stats[1:].tolist():
        inside = x > 0 and y > 0 and x + w < width and y + h < height
        if inside and min(w, h) >= side and area >= MIN_FILL * w * h:
            box = Box(x * SHRINK - grow, y * SHRINK - grow, w * SHRINK + 2 * grow, h * SHRINK + 2 * grow)
            found.append(clip(box, shape))
    return tuple(box for box, outer in zip(found, hold_others(found), strict=True) if not outer)


def clip(box: Box, shape: tuple[int, ...]) -> Box:
    """The part of a box that lies on the page."""
    x, y = max(0, box.x), max(0, box.y)
    return Box(x, y, max(0, min(shape[1], box.right) - x), max(0, min(shape[0], box.bottom) - y))


def around(boxes: tuple[Box, ...]) -> Box:
    """The box around boxes."""
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    return Box(x, y, max(box.right for box in boxes) - x, max(box.bottom for box in boxes) - y)


def hold_others(boxes: list[Box]) -> list[bool]:
    """For each box, whether the middle of a smaller one lies in it."""
    x, y, width, height = np.array(boxes, np.float64).reshape(-1, 4).T
    across, along, area = x + width / 2, y + height / 2, width * height
    holds = []
    for box in boxes:
        inside = (across > box.x) & (across < box.right) & (along > box.y) & (along < box.bottom)
        holds.append(bool((inside & (area < box.width * box.height)).any()))
    return holds


def holds(box: Box, other: Box) -> bool:
    """Whether the other box's middle lies in the box."""
    x, y = other.x + other.width / 2, other.y + other.height / 2
    return box.x < x < box.right and box.y < y < box.bottom

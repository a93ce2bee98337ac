"""Pictures of one field: what was there, where its digits were seen, and what else each may be."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.flow.drawing import GREEN, INK, ORANGE, TEAL, Color, Picture, colored
from docproc.types import Box, Digit, Gray, Reading

MARGIN, COLUMN, ROW, BAR = 24, 150, 30, 70
"""Pixels round all, of a digit's column of chances, of one chance in it, and of the bar of a sure one."""
TALLEST, WIDEST, MOST_ENLARGED = 240, 1600, 6.0
"""Pixels of an enlarged strip."""
PNG, HEADER = b"\x89PNG\r\n\x1a\n", 33
"""How a picture begins, and the bytes up to its size and kind."""
MOST_SIDE = 20_000
"""Pixels a side of any strip that is looked at."""


def decode_strip(strip: bytes) -> Gray | None:
    """The pixels of a strip; None where it is none."""
    if len(strip) < HEADER or not strip.startswith(PNG):
        return None
    untrusted_width, untrusted_height = struct.unpack(">II", strip[16:24])
    if not 0 < untrusted_width <= MOST_SIDE or not 0 < untrusted_height <= MOST_SIDE:
        return None
    gray = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if gray is None else np.asarray(gray, np.uint8)


def shrink(gray: Gray, columns: int) -> NDArray[np.uint8]:
    """A strip as rows of coarse pixels of even number, at most so many columns wide."""
    height, width = gray.shape
    scale = min(1.0, columns / width)
    rows = max(2, 2 * round(height * scale / 2))
    return np.asarray(cv2.resize(gray, (max(1, round(width * scale)), rows), interpolation=cv2.INTER_AREA), np.uint8)


def find_turns(reading: Reading, shape: tuple[int, int]) -> int:
    """Quarters to the right that the stored page is turned by to stand as the strip of this height and width does.

    The strip stands upright while the page may lie on its side or its head: the turn is the one that fits the strip's
    shape and lets the digits run from left to right.
    """
    height, width = shape
    field = reading.box
    on_side = abs(math.log(width / height * field.width / field.height)) < abs(
        math.log(width / height * field.height / field.width)
    )
    first, last = (reading.digits[0].box, reading.digits[-1].box) if reading.digits else (field, field)
    if on_side:
        return 1 if last.y < first.y else 3
    return 2 if last.x < first.x else 0


def lay_boxes(reading: Reading, shape: tuple[int, int]) -> list[Box]:
    """The boxes of digits, which count pixels of the stored page, on a strip of this height and width."""
    height, width = shape
    turns = find_turns(reading, shape)
    corners = [_share(digit.box, reading.box) for digit in reading.digits]
    for _ in range(turns):
        corners = [(1 - bottom, left, 1 - top, right) for left, top, right, bottom in corners]
    boxes = []
    for corner in corners:
        left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in corner)
        x, y = round(left * width), round(top * height)
        boxes.append(Box(x, y, max(1, round(right * width) - x), max(1, round(bottom * height) - y)))
    return boxes


def draw_evidence(strip: Gray, reading: Reading) -> Picture:
    """The strip enlarged, its digits framed, and below each what it may be with a bar for the chance."""
    height, width = strip.shape
    scale = max(0.05, min(MOST_ENLARGED, TALLEST / height, WIDEST / width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    large = cv2.resize(strip, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    boxes = [Box(*(round(side * scale) for side in box)) for box in lay_boxes(reading, (height, width))]
    rows = 1 + max((len(digit.others) for digit in reading.digits), default=0)
    chances = rows * ROW + 3 * MARGIN if reading.digits else 0
    pitch = max(COLUMN, size[0] // max(1, len(reading.digits)))
    across = max(size[0], pitch * len(reading.digits)) + 2 * MARGIN
    picture = np.full((size[1] + 2 * MARGIN + chances, across, 3), 255, np.uint8)
    left = (across - size[0]) // 2
    picture[MARGIN : MARGIN + size[1], left : left + size[0]] = colored(np.asarray(large, np.uint8))
    cv2.rectangle(picture, (left - 1, MARGIN - 1), (left + size[0], MARGIN + size[1]), (200, 200, 200), 1)
    first = (across - pitch * len(reading.digits) + pitch - COLUMN) // 2
    for place, (digit, box) in enumerate(zip(reading.digits, boxes, strict=True)):
        x, y = left + box.x, MARGIN + box.y
        cv2.rectangle(picture, (x, y), (x + box.width, y + box.height), GREEN, 2)
        column = first + place * pitch
        top = MARGIN + size[1] + MARGIN
        foot = (column + COLUMN // 2, top + MARGIN - 4)
        cv2.line(picture, (x + box.width // 2, y + box.height), foot, (190, 190, 190), 1, cv2.LINE_AA)
        _draw_chances(picture, digit, column, top + MARGIN)
    return picture


def _draw_chances(picture: Picture, digit: Digit, x: int, y: int) -> None:
    entries: Sequence[tuple[str, float, Color]] = (
        (digit.text, digit.confidence, GREEN),
        *((name, chance, ORANGE if name.isdigit() else TEAL) for name, chance in digit.others),
    )
    for row, (name, chance, color) in enumerate(entries):
        base = y + (row + 1) * ROW - 8
        label = name if name.isdigit() else "no"
        cv2.putText(picture, label, (x + 4, base), cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK, 1, cv2.LINE_AA)
        start = x + 30
        cv2.rectangle(picture, (start, base - 13), (start + BAR, base), (235, 235, 235), -1)
        cv2.rectangle(picture, (start, base - 13), (start + max(1, round(chance * BAR)), base), color, -1)
        told = "<1%" if chance < 0.01 else ">99%" if chance > 0.995 else f"{chance:.0%}"
        cv2.putText(picture, told, (start + BAR + 5, base), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)


def _share(box: Box, field: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom as shares of the field."""
    return (
        (box.x - field.x) / field.width,
        (box.y - field.y) / field.height,
        (box.right - field.x) / field.width,
        (box.bottom - field.y) / field.height,
    )

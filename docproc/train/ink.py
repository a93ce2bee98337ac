"""From pen strokes to coverage: how much of each pixel is under ink."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.train.pen import Stroke

Coverage = NDArray[np.float32]
"""float32[H, W]: 0 is bare paper, 1 is full ink."""

OVERSAMPLE = 4
"""Strokes are drawn this much larger and averaged: edges to a sixteenth, widths to a quarter of a pixel."""
SHIFT = 4
"""Fractional bits of a point on the enlarged picture."""
TAPER = 2.5
"""Length of the thinner start and end of a stroke, in pen widths."""


def ink_strokes(
    rng: np.random.Generator, strokes: list[Stroke], pen_width: float, pressure: float, shape: tuple[int, int]
) -> Coverage:
    """The coverage of strokes given in pixels on a picture of that shape (rows, columns)."""
    drawn = np.zeros(shape, np.float32)
    for stroke in strokes:
        margin = int(pen_width * 2) + 2
        left, top = np.floor(stroke.min(axis=0)).astype(int) - margin
        right, bottom = np.ceil(stroke.max(axis=0)).astype(int) + margin
        patch = ink_stroke(rng, stroke - [left, top], pen_width, pressure, (bottom - top, right - left))
        rows = slice(max(top, 0), min(bottom, shape[0]))
        columns = slice(max(left, 0), min(right, shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        seen = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        np.maximum(drawn[rows, columns], seen, out=drawn[rows, columns])
    return drawn


def ink_stroke(
    rng: np.random.Generator, stroke: Stroke, pen_width: float, pressure: float, shape: tuple[int, int]
) -> Coverage:
    """The coverage of one stroke on its own patch."""
    patch = np.zeros((shape[0] * OVERSAMPLE, shape[1] * OVERSAMPLE), np.uint8)
    points = np.round(((stroke + 0.5) * OVERSAMPLE - 0.5) * (1 << SHIFT)).astype(np.int32)
    widths = stroke_widths(rng, stroke, pen_width, pressure)
    thickness = np.maximum(1, np.round(widths * OVERSAMPLE)).astype(int)
    for i in range(len(points) - 1):
        start, stop = tuple(map(int, points[i])), tuple(map(int, points[i + 1]))
        cv2.line(patch, start, stop, 255, int(thickness[i]), cv2.LINE_8, SHIFT)
    small = cv2.resize(patch, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def stroke_widths(rng: np.random.Generator, stroke: Stroke, pen_width: float, pressure: float) -> NDArray[np.float64]:
    """Width at each point: thin where the pen lands and leaves, and swelling slowly with the pressure of the hand."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
    total = along[-1] + 1e-9
    reach = max(TAPER * pen_width, 1e-6)
    landing = np.clip(along / reach, 0, 1)
    leaving = np.clip((total - along) / (1.6 * reach), 0, 1)
    swell = 1 + pressure * 0.6 * np.sin(2 * np.pi * (along / total * rng.uniform(0.5, 1.5) + rng.random()))
    taper = 1 - pressure * (1 - landing) - 1.4 * pressure * (1 - leaving)
    return np.asarray(np.maximum(0.35, taper) * swell * pen_width, np.float64)


def grain_ink(rng: np.random.Generator, drawn: Coverage, flow: float) -> Coverage:
    """The coverage as an uneven pen leaves it; `flow` 1 is a gel pen, 0.5 a pencil or a dry ballpoint."""
    height, width = drawn.shape
    fine = rng.standard_normal((height, width), dtype=np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), 0.7) * 1.6
    slow = cv2.resize(rng.standard_normal((height // 24 + 2, width // 24 + 2), dtype=np.float32), (width, height))
    strength = flow + (1 - flow) * (0.55 * fine + 0.35 * slow)
    return np.asarray(drawn * np.clip(strength, 0.15, 1), np.float32)


def smudge_ink(rng: np.random.Generator, drawn: Coverage, length: float) -> Coverage:
    """The coverage after a hand wiped over it to the right; `length` in pixels."""
    size = max(3, int(length)) | 1
    kernel = np.zeros((3, 2 * size - 1), np.float32)
    kernel[1, size - 1 :] = np.linspace(1, 0, size)
    wiped = cv2.filter2D(drawn, -1, np.flip(kernel / kernel.sum()), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(np.maximum(drawn, wiped * rng.uniform(0.4, 0.7)), np.float32)


def blot(rng: np.random.Generator, radius: float, shape: tuple[int, int], centre: tuple[float, float]) -> Coverage:
    """A smudge of ink or dirt: a soft ragged spot; `radius` and `centre` (x, y) in pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    away = np.hypot(x - centre[0], (y - centre[1]) * 1.4) / radius
    ragged = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), max(1.0, radius / 5)) * radius / 6
    return np.asarray(np.clip(1.1 - away + 0.25 * ragged, 0, 0.8), np.float32)

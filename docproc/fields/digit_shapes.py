"""Ten digits as a careful hand writes them: for writers to copy, and for numbers that are printed to be read again.

The 1 has an upstroke and the 7 a bar, so that no habit of reading takes one for the other, and no 1 is overlooked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
"""float64[n, 2]: a polyline of (x, y), y downward, in digit heights."""

STEPS = 8
"""Points from one of a shape to the next: at 10 mm a digit they are 0.3 mm apart."""
Points = tuple[tuple[float, float], ...]
SHAPES: tuple[tuple[Points, ...], ...] = (
    (
        (
            *((0.32, 0.0), (0.12, 0.16), (0.05, 0.5), (0.12, 0.84), (0.32, 1.0)),
            *((0.52, 0.84), (0.59, 0.5), (0.52, 0.16), (0.32, 0.0)),
        ),
    ),
    (((0.1, 0.27), (0.34, 0.0)), ((0.34, 0.0), (0.34, 1.0))),
    (
        ((0.06, 0.22), (0.16, 0.05), (0.33, 0.0), (0.5, 0.07), (0.56, 0.25), (0.46, 0.48), (0.24, 0.75), (0.05, 1.0)),
        ((0.05, 1.0), (0.6, 1.0)),
    ),
    (
        ((0.06, 0.12), (0.2, 0.01), (0.38, 0.01), (0.51, 0.12), (0.51, 0.3), (0.41, 0.42), (0.22, 0.46)),
        ((0.22, 0.46), (0.43, 0.5), (0.57, 0.62), (0.57, 0.82), (0.43, 0.97), (0.23, 1.0), (0.04, 0.88)),
    ),
    (((0.42, 0.0), (0.03, 0.68)), ((0.03, 0.68), (0.6, 0.68)), ((0.42, 0.0), (0.42, 1.0))),
    (
        ((0.55, 0.0), (0.14, 0.0)),
        ((0.14, 0.0), (0.1, 0.43)),
        ((0.1, 0.43), (0.28, 0.37), (0.47, 0.43), (0.57, 0.63), (0.51, 0.87), (0.31, 1.0), (0.04, 0.9)),
    ),
    (
        (
            *((0.48, 0.0), (0.26, 0.2), (0.1, 0.48), (0.05, 0.72), (0.14, 0.92), (0.32, 1.0)),
            *((0.5, 0.92), (0.57, 0.74), (0.48, 0.56), (0.3, 0.5), (0.13, 0.58), (0.06, 0.74)),
        ),
    ),
    (((0.04, 0.0), (0.58, 0.0)), ((0.58, 0.0), (0.24, 1.0)), ((0.17, 0.5), (0.56, 0.5))),
    (
        (
            *((0.53, 0.15), (0.42, 0.02), (0.24, 0.02), (0.11, 0.14), (0.14, 0.33), (0.33, 0.48), (0.53, 0.64)),
            *((0.57, 0.83), (0.43, 0.98), (0.21, 0.98), (0.07, 0.83), (0.12, 0.64), (0.33, 0.48), (0.52, 0.33)),
            (0.53, 0.15),
        ),
    ),
    (
        (
            *((0.56, 0.26), (0.47, 0.07), (0.29, 0.0), (0.11, 0.09), (0.05, 0.28), (0.13, 0.47), (0.31, 0.53)),
            *((0.49, 0.45), (0.56, 0.26)),
        ),
        ((0.56, 0.26), (0.5, 1.0)),
    ),
)
"""The strokes of each digit; those of more than two points are curves through them."""


def draw_digit(digit: int) -> tuple[Curve, ...]:
    """The strokes of a digit: top at 0, foot at 1, its middle at x = 0."""
    strokes = [np.array(points) for points in SHAPES[digit]]
    middle = (min(s[:, 0].min() for s in strokes) + max(s[:, 0].max() for s in strokes)) / 2
    return tuple(curve(stroke) - (middle, 0.0) for stroke in strokes)


def curve(points: Curve) -> Curve:
    """A smooth curve through points, a Catmull-Rom spline; two are a straight line."""
    if len(points) < 3:
        return points
    is_closed = bool((points[0] == points[-1]).all())
    before, after = (points[-2], points[1]) if is_closed else (points[0], points[-1])
    padded = np.vstack([before, points, after])
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(b + t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * b - a - 3 * c + d))) / 2)
    return np.concatenate([*pieces, points[-1:]])

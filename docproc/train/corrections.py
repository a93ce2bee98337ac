"""What people do to digits that they take back: strike them out, scribble on them, write another one over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.train.data import Glyph, draw_glyph
from docproc.types import NOT_A_DIGIT

STRUCK, OVERWRITTEN = "struck", "overwritten"
"""Names of glyphs that were digits before."""
STRUCK_SHARE, OVERWRITTEN_SHARE = 0.05, 0.03
"""Shares of numbers with such digits."""
WHOLE = 0.6
"""So often the whole number is struck out, else a part of it."""

Coverage = NDArray[np.float32]


def take_back(
    rng: np.random.Generator,
    coverage: Coverage,
    owner: NDArray[np.int32],
    glyphs: Sequence[Glyph],
    write: Callable[[int], Glyph],
    pen: float,
) -> tuple[Glyph, ...]:
    """Now and then take back digits of a composed number, in place; what was taken back is no digit any more.

    `owner` is 0 on paper and i + 1 on glyph i, `write` writes a digit by the same hand.
    """
    changed = list(glyphs)
    digits = [i for i, glyph in enumerate(glyphs) if glyph.label != NOT_A_DIGIT and (owner == i + 1).any()]
    if not digits:
        return tuple(changed)
    kind = rng.random()
    if kind < STRUCK_SHARE:
        first = 0 if rng.random() < WHOLE else int(rng.integers(len(digits)))
        last = len(digits) if first == 0 else int(rng.integers(first, len(digits))) + 1
        gone = digits[first:last]
        _strike(rng, coverage, np.isin(owner, np.array(gone) + 1), pen)
    elif kind < STRUCK_SHARE + OVERWRITTEN_SHARE:
        gone = [digits[int(rng.integers(len(digits)))]]
        _write_over(rng, coverage, owner == gone[0] + 1, glyphs[gone[0]].label, write, pen)
    else:
        return tuple(changed)
    name = STRUCK if kind < STRUCK_SHARE else OVERWRITTEN
    for i in gone:
        changed[i] = replace(changed[i], label=NOT_A_DIGIT, name=name, style=-1)
    return tuple(changed)


def _strike(rng: np.random.Generator, coverage: Coverage, ink: NDArray[np.bool_], pen: float) -> None:
    """One line or two through all of it, a cross over it, or a scribble."""
    x, y, width, height = cv2.boundingRect(ink.astype(np.uint8))
    out = height * rng.uniform(-0.05, 0.25, 2)
    left, right = x - out[0], x + width + out[1]
    middle, drift = y + height * rng.uniform(0.35, 0.65), height * rng.normal(0, 0.12)
    kind = rng.random()
    if kind < 0.4:
        lines = [[(left, middle - drift), (right, middle + drift)]]
    elif kind < 0.55:
        gap = height * rng.uniform(0.1, 0.3)
        lines = [[(left, middle - drift + side), (right, middle + drift + side)] for side in (-gap / 2, gap / 2)]
    elif kind < 0.75:
        top, foot = y + height * rng.uniform(-0.1, 0.2), y + height * rng.uniform(0.8, 1.1)
        lines = [[(left, foot), (right, top)]]
        if rng.random() < 0.6:
            lines.append([(left, top), (right, foot)])
    else:
        turns = max(4, int(width / height * rng.uniform(3, 9)))
        across = np.linspace(left, right, turns) + rng.normal(0, 0.03 * height, turns)
        reach = height * rng.uniform(0.25, 0.6)
        down = middle + reach * np.where(np.arange(turns) % 2, 1, -1) * rng.uniform(0.6, 1, turns)
        lines = [list(zip(across, down, strict=True))]
    for line in lines:
        path = np.round(np.array(line) * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(coverage, [path], False, 1.0, max(1, round(pen * rng.uniform(0.8, 1.2))), cv2.LINE_AA, 4)


def _write_over(
    rng: np.random.Generator,
    coverage: Coverage,
    ink: NDArray[np.bool_],
    digit: int,
    write: Callable[[int], Glyph],
    pen: float,
) -> None:
    """Another digit where one stands, pressed harder."""
    x, y, _, height = cv2.boundingRect(ink.astype(np.uint8))
    other = int((digit + rng.integers(1, 10)) % 10)
    image = draw_glyph(rng, write(other), max(4, round(height * rng.uniform(0.9, 1.2))), pen * rng.uniform(1.0, 1.5))
    left = max(0, x + int(rng.normal(0, 0.08) * height))
    top = max(0, y + int(rng.normal(0, 0.06) * height))
    target = coverage[top : top + image.shape[0], left : left + image.shape[1]]
    np.maximum(target, image[: target.shape[0], : target.shape[1]], out=target)

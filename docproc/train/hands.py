"""Invented hands for training: a region's digits by writers who never were, as many as are asked for.

The handwriting sets hold few Europeans. A drawn hand writes its region's allographs, so what its digits say of the
region's style is known, and no scanner or pen of some data set gives it away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from docproc.train.data import Glyph, unit_height
from docproc.train.pen import Writer, draw_writer, shape_strokes
from docproc.train.regional import REGIONAL
from docproc.types import STYLES

UNSTEADY = 0.12
"""How often a hand takes another allograph than its own."""


@dataclass(frozen=True, slots=True)
class Hand:
    """An invented writer of one style, and the allograph of each digit that is this writer's own."""

    writer: Writer
    style: int
    shapes: tuple[str, ...]


def draw_hand(rng: np.random.Generator) -> Hand:
    """A hand of either style."""
    style = int(rng.integers(len(STYLES)))
    writer = replace(
        draw_writer(int(rng.integers(2**31))),
        jitter=float(rng.uniform(0.012, 0.055)),
        slant=float(rng.normal(0.08, 0.18)),
        width=float(rng.uniform(0.65, 1.35)),
    )
    return Hand(writer, style, tuple(str(rng.choice(allographs(digit, style))) for digit in range(10)))


def allographs(digit: int, style: int) -> tuple[str, ...]:
    """The shapes of a digit in a style."""
    region = REGIONAL[STYLES[style]]
    return region.get(str(digit)) or REGIONAL["both"][str(digit)]


def write_digit(rng: np.random.Generator, digit: int, hand: Hand) -> Glyph:
    """One digit as this hand writes it this time."""
    shape = hand.shapes[digit] if rng.random() > UNSTEADY else str(rng.choice(allographs(digit, hand.style)))
    habit = np.random.default_rng([hand.writer.seed, digit])
    strokes = shape_strokes(rng, shape, hand.writer, habit)
    upward = [(stroke * [1, -1]).astype(np.float32) for stroke in strokes]
    return Glyph(digit, str(digit), f"drawn/{hand.writer.seed}", strokes=unit_height(upward), style=hand.style)

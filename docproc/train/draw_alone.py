"""Glyphs drawn alone, in any size and by any pen: images to measure a net by, and crops to train it on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.train.crops import LabelledCrops
from docproc.train.data import LOOK_ALIKES, Glyph, draw_glyph, load_glyphs
from docproc.train.lone import crop_digit
from docproc.types import NOT_A_DIGIT, Gray

IMAGE_SIDE = 64
"""Of an image; glyphs are drawn in many sizes on it."""
HEIGHTS, PENS = (20, 56), (0.06, 0.16)
"""Pixels of a glyph's height, and the pen's width in such heights."""
DOTS, DOT = {".", "multiplication_dot"}, 0.25
"""Signs that are lower than a digit, and how much."""
AMBIGUOUS = LOOK_ALIKES | {"\\@", "\\\\", '\\"', "{", "}"}
"""What is a digit to some eye. UNIPEN escapes backslash and quote, and an escaped @ stands for strokes like a 1."""
STROKES, PLAIN, PASSES = "unipen", 12_000, 2
"""Digits of this set are drawn so many times, and so many of all others once, beside the letters and signs."""
SEED = 7

Drawn = NDArray[np.float32]
"""float32[h, w]: 0 is paper, 1 is full ink."""


def crop_alone(data: Path) -> LabelledCrops:
    """Letters, signs and digits of the writers that train, each drawn alone: the same every time.

    The lattice's crops hold few whole letters. The digits are drawn like them, so that it is not by their pen that
    the two are told.
    """
    rng = np.random.default_rng(SEED)
    glyphs = load_glyphs(data, held_out=False)
    digits = [glyph for glyph in glyphs if glyph.label != NOT_A_DIGIT]
    strokes = [glyph for glyph in digits if find_set(glyph) == STROKES]
    others = [glyph for glyph in digits if find_set(glyph) != STROKES]
    plain = [others[int(i)] for i in rng.permutation(len(others))[:PLAIN]]
    chosen = [glyph for glyph in glyphs if is_other(glyph) and find_set(glyph) in (STROKES, "symbols")]
    chosen += [*strokes * PASSES, *plain]
    crops = np.array([crop_digit(draw_alone(rng, glyph), "high") for glyph in chosen], np.uint8)
    labels = np.array([glyph.label for glyph in chosen], np.int64)
    return LabelledCrops(crops, labels, np.full(len(labels), -1, np.int64))


def is_other(glyph: Glyph) -> bool:
    """Whether a glyph is a digit to nobody."""
    return glyph.label == NOT_A_DIGIT and glyph.name not in AMBIGUOUS


def find_set(glyph: Glyph) -> str:
    """The set that a glyph is of, by the name of its writer."""
    return glyph.writer.split("/")[0]


def draw_alone(rng: np.random.Generator, glyph: Glyph) -> Gray:
    """A glyph in a random size, by a random pen, at a random place of its image: uint8[64, 64], ink high."""
    return place(rng, write(rng, glyph))


def write(rng: np.random.Generator, glyph: Glyph) -> Drawn:
    """A glyph as high as it is beside a digit of random height."""
    height = int(rng.integers(*HEIGHTS))
    share = DOT if glyph.name in DOTS else 1.0
    if glyph.bitmap is not None:
        share *= min(1.0, glyph.bitmap.shape[0] / glyph.bitmap.shape[1])
    return tight(draw_glyph(rng, glyph, max(3, round(share * height)), height * rng.uniform(*PENS)))


def place(rng: np.random.Generator, ink: Drawn) -> Gray:
    """Ink on an image of 64 by 64, made smaller where it does not fit."""
    scale = min(1.0, (IMAGE_SIDE - 4) / max(ink.shape))
    if scale < 1:
        size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
        ink = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    y, x = (int(rng.integers(2, IMAGE_SIDE - side - 1)) for side in ink.shape)
    image[y : y + ink.shape[0], x : x + ink.shape[1]] = np.round(255 * np.clip(ink, 0, 1))
    return image


def tight(ink: Drawn) -> Drawn:
    """Ink without the paper round it."""
    rows, columns = np.flatnonzero(ink.max(1) > 0.25), np.flatnonzero(ink.max(0) > 0.25)
    if not len(rows):
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

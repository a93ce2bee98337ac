"""Made-up handwriting sets in the shape of the real ones, drawn by the generator's own hands."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train.ink import ink_strokes
from docproc.train.pen import Stroke, Writer, digit_strokes, draw_writer, glyph_strokes

WRITERS = 16
BLOCKS = 12
"""Sets without writers split by blocks of 64 neighbours: enough of them for both sides."""
OMNIGLOT = ("Balinese", "Greek", "Japanese_(katakana)", "Korean", "Latin", "Sanskrit", "Tagalog")
SIGNS = ("-", "=", ",", "/", "a", "e", "m", "K", "o")
"""What UNIPEN's writers write besides digits; `o` is a digit to some eye."""


def bitmap(rng: np.random.Generator, strokes: list[Stroke], side: int) -> np.ndarray:
    every = np.concatenate(strokes)
    low, span = every.min(0), np.ptp(every, axis=0).max()
    placed = [(stroke - low) * (0.7 * side / span) + 0.14 * side for stroke in strokes]
    return np.round(255 * ink_strokes(rng, placed, 0.09 * side, 0.1, (side, side))).astype(np.uint8)


@pytest.fixture(scope="session")
def digit_sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `load_glyphs` wants it: six sets, a few hundred glyphs."""
    folder = tmp_path_factory.mktemp("digits")
    rng = np.random.default_rng(0)
    digits = np.arange(10)
    drawn = [digit_strokes(rng, digit, draw_writer(hand)) for hand in range(WRITERS) for digit in digits]
    x = np.array([bitmap(rng, strokes, 28) for strokes in drawn])
    y = np.tile(digits, WRITERS).astype(np.uint8)
    np.savez(folder / "mnist_train.npz", x=x, y=y, writer=np.repeat(np.arange(WRITERS), 10).astype(np.int32))
    for name, side in (("optdigits_train", 32), ("semeion", 16)):
        binary = np.array([cv2.resize(image, (side, side)) > 100 for image in x[:64]]).astype(np.uint8) * 255
        np.savez(folder / f"{name}.npz", x=np.tile(binary, (BLOCKS, 1, 1)), y=np.tile(y[:64], BLOCKS))
    names = np.array(["addition_plus", "division_slash", "multiplication_cross", "multiplication_dot"])
    marks = np.array([bitmap(rng, glyph_strokes(rng, sign, draw_writer(0)), 28) for sign in "K/Ta"])
    chosen = np.arange(64 * BLOCKS) % 4
    np.savez(folder / "symbols.npz", x=marks[chosen], y=names[chosen], split=np.full(len(chosen), "train"))
    alphabets = np.repeat(OMNIGLOT, 2)
    shapes = np.array([bitmap(rng, glyph_strokes(rng, "M", draw_writer(i)), 105) for i in range(len(alphabets))])
    np.savez(folder / "omniglot.npz", x=shapes, alphabet=alphabets, char=np.array(["character01"] * len(alphabets)))
    np.savez(folder / "unipen_strokes.npz", **unipen(rng))
    return folder


def write(rng: np.random.Generator, sign: str, writer: Writer) -> list[Stroke]:
    if sign == "=":
        return [stroke + np.array([0, lower]) for lower in (0, 0.3) for stroke in glyph_strokes(rng, "-", writer)]
    return glyph_strokes(rng, sign, writer)


def unipen(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pen strokes, y upward, of two donors: one of them is known for bad segmentation."""
    points, lengths, counts, rows = [], [], [], []
    for hand in range(WRITERS):
        donor = "ibm" if hand == 0 else "aga"
        for sign in (*"0123456789", *SIGNS):
            strokes = write(rng, sign, draw_writer(100 + hand))
            counts.append(len(strokes))
            lengths.extend(len(stroke) for stroke in strokes)
            points.extend(stroke * [40, -40] + [7, 300] for stroke in strokes)
            section = "1a" if sign.isdigit() else "1d" if sign in "-=,/" else "1c"
            rows.append((section, donor, sign, f"{donor}/{hand}"))
    section, donor, label, writer = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "points": np.concatenate(points).astype(np.float32),
        "stroke_len": np.array(lengths, np.int32),
        "n_strokes": np.array(counts, np.int32),
        "section": section,
        "org": donor,
        "label": label,
        "writer": writer,
        "country": np.full(len(rows), "XX"),
        "pts_per_mm": np.full(len(rows), 10, np.float32),
    }

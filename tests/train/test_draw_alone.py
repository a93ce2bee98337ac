"""Glyphs drawn alone: those of the writers that train, and no letter that is a digit to somebody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from docproc.train.data import Glyph, load_glyphs
from docproc.train.draw_alone import IMAGE_SIDE, PASSES, crop_alone, draw_alone, find_set, is_other
from docproc.types import NOT_A_DIGIT


def test_digits_and_others_of_the_writers_that_train(digit_sets: Path) -> None:
    made = crop_alone(digit_sets)
    glyphs = load_glyphs(digit_sets, held_out=False)
    others = [glyph for glyph in glyphs if is_other(glyph) and find_set(glyph) in ("unipen", "symbols")]
    assert (made.labels == NOT_A_DIGIT).sum() == len(others) > 0
    digits = [glyph for glyph in glyphs if glyph.label != NOT_A_DIGIT]
    strokes = sum(find_set(glyph) == "unipen" for glyph in digits)
    assert (made.labels != NOT_A_DIGIT).sum() == PASSES * strokes + (len(digits) - strokes)
    assert set(made.labels) == set(range(11))
    assert (made.styles == -1).all()
    assert (made.crops.max((1, 2)) > 128).mean() > 0.98


def test_the_same_every_time(digit_sets: Path) -> None:
    assert np.array_equal(crop_alone(digit_sets).crops, crop_alone(digit_sets).crops)


def test_what_is_a_digit_to_somebody_is_no_other() -> None:
    def glyph(name: str, label: int = NOT_A_DIGIT) -> Glyph:
        return Glyph(label, name, "unipen/ada")

    assert [name for name in ("K", "o", "l", "a", "=", "S", "/", "T") if is_other(glyph(name))] == ["K", "a", "=", "T"]
    assert not is_other(glyph("4", 4))


def test_glyphs_come_in_many_sizes_and_whole(digit_sets: Path) -> None:
    rng = np.random.default_rng(0)
    glyph = next(glyph for glyph in load_glyphs(digit_sets, held_out=False) if glyph.label == 8)
    images = np.array([draw_alone(rng, glyph) for _ in range(40)])
    assert images.shape == (40, IMAGE_SIDE, IMAGE_SIDE)
    heights = (images.max(2) > 64).sum(1)
    assert heights.min() < 30
    assert heights.max() > 45
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert edge.max() == 0

"""Digits that were taken back carry more ink and are no digits any more; all others stay as they are."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train import corrections
from docproc.train.corrections import OVERWRITTEN, STRUCK, take_back
from docproc.train.data import Glyph
from docproc.types import NOT_A_DIGIT

BAR = np.full((20, 6), 255, np.uint8)
GLYPHS = (*(Glyph(digit, str(digit), "w", BAR, style=1) for digit in (4, 0, 7)), Glyph(NOT_A_DIGIT, "-", "w", BAR))


def compose() -> tuple[np.ndarray, np.ndarray]:
    """Four bars, 40 pixels high, 20 apart."""
    coverage, owner = np.zeros((80, 140), np.float32), np.zeros((80, 140), np.int32)
    for i in range(4):
        coverage[20:60, 20 + 30 * i : 26 + 30 * i] = 1
        owner[20:60, 20 + 30 * i : 26 + 30 * i] = i + 1
    return coverage, owner


def take(
    monkeypatch: pytest.MonkeyPatch, seed: int, struck: float, overwritten: float
) -> tuple[np.ndarray, list[Glyph]]:
    monkeypatch.setattr(corrections, "STRUCK_SHARE", struck)
    monkeypatch.setattr(corrections, "OVERWRITTEN_SHARE", overwritten)
    coverage, owner = compose()
    kept = take_back(np.random.default_rng(seed), coverage, owner, GLYPHS, lambda digit: GLYPHS[1], 4.0)
    return coverage, list(kept)


@pytest.mark.parametrize("seed", range(12))
def test_struck_digits_are_crossed_by_ink_and_signs_are_never_struck(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    coverage, kept = take(monkeypatch, seed, 1.0, 0.0)
    gone = [i for i, glyph in enumerate(kept) if glyph.name == STRUCK]
    assert gone == list(range(gone[0], gone[-1] + 1))
    assert gone[-1] <= 2
    before, _ = compose()
    for i, glyph in enumerate(kept):
        if i in gone:
            assert (glyph.label, glyph.style) == (NOT_A_DIGIT, -1)
            # The paper on either side of the bar has ink now.
            assert coverage[:, 12 + 30 * i : 20 + 30 * i].sum() + coverage[:, 26 + 30 * i : 34 + 30 * i].sum() > 4
        else:
            assert glyph is GLYPHS[i]
    assert (coverage >= before).all()


def test_overwritten_digit_is_one_and_darker(monkeypatch: pytest.MonkeyPatch) -> None:
    coverage, kept = take(monkeypatch, 1, 0.0, 1.0)
    (gone,) = (i for i, glyph in enumerate(kept) if glyph.name == OVERWRITTEN)
    assert kept[gone].label == NOT_A_DIGIT
    grown = (coverage > compose()[0]).any(0)
    assert grown.any()
    assert not grown[[x for x in range(140) if abs(x - 23 - 30 * gone) > 20]].any()


def test_most_numbers_and_all_signs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    coverage, kept = take(monkeypatch, 1, 0.0, 0.0)
    assert kept == list(GLYPHS)
    assert np.array_equal(coverage, compose()[0])
    blank = np.zeros((5, 5), np.float32)
    assert take_back(
        np.random.default_rng(0), blank, np.zeros((5, 5), np.int32), GLYPHS[3:], lambda digit: GLYPHS[0], 1.0
    )

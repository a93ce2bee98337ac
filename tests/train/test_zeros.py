"""Zeros of a quick hand are round, alike and chained."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.train import strings, zeros
from docproc.train.bank import make_bank
from docproc.train.data import Glyph, draw_glyph
from docproc.train.zeros import write_zeros
from docproc.types import NOT_A_DIGIT

SEEDS = range(60)
BLOCK = np.full((40, 24), 255, np.uint8)


def test_zeros_are_closed_rings_of_one_height_and_style() -> None:
    for seed in SEEDS:
        written = write_zeros(np.random.default_rng(seed), 3, style=1)
        assert [(zero.label, zero.name, zero.style) for zero in written] == [(0, "0", 1)] * 3
        for zero in written:
            (stroke,) = zero.strokes
            assert stroke.min(0) == pytest.approx([0, 0], abs=1e-6)
            assert stroke[:, 1].max() == pytest.approx(1)
            assert 0.3 < stroke[:, 0].max() < 3
    holes = [has_hole(draw_glyph(np.random.default_rng(0), zero, 80, 5)) for zero in write_many()]
    assert np.mean(holes) > 0.8


def test_the_pen_goes_on_from_each_zero_of_a_chain_but_the_last() -> None:
    chains = {tuple(zero.goes_on for zero in write_zeros(np.random.default_rng(seed), 3, 0)) for seed in SEEDS}
    assert chains == {(True, True, False), (False, False, False)}
    assert not any(zero.goes_on for seed in SEEDS for zero in write_zeros(np.random.default_rng(seed), 1, 0))


def test_an_amount_ends_in_such_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are the digits of all other writers; they stand apart."""
    bars = [Glyph(digit, str(digit), "unipen/bars", bitmap=np.full((40, 12), 255, np.uint8)) for digit in range(10)]
    bank = make_bank(
        [*bars, Glyph(NOT_A_DIGIT, "K", "unipen/bars", bitmap=BLOCK)], [Glyph(NOT_A_DIGIT, "K", "", BLOCK)]
    )
    monkeypatch.setattr(zeros, "CHAINED_SHARE", 1.0)
    monkeypatch.setattr(strings, "TIGHT_SHARE", 0.0)
    monkeypatch.setattr(strings, "PENS", (0.12, 0.16))
    for share in (0.0, 1.0):
        monkeypatch.setattr(strings, "QUICK_SHARE", share)
        strips = [strings.compose(np.random.default_rng(seed), bank) for seed in range(300)]
        hang = [hangs_together(strip, len(strip.labels)) for strip in strips if strip.labels[-3:] == (0, 0, 0)]
        assert len(hang) > 12
        assert all(hang) == bool(share)  # other zeros are joined now and then


def hangs_together(strip: strings.Strip, last: int) -> bool:
    """Whether the last two glyphs are one piece of ink."""
    return strings.are_touching(np.where(strip.owner >= last - 1, strip.owner, 0))


def write_many() -> list[Glyph]:
    return [zero for seed in SEEDS for zero in write_zeros(np.random.default_rng(seed), 3, 0)]


def has_hole(image: np.ndarray) -> bool:
    count, _ = cv2.connectedComponents((np.pad(image, 1) < 0.5).astype(np.uint8), connectivity=4)
    return count > 1

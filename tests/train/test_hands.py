"""Invented hands keep to their region and to themselves."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train.glyphs import read_shape
from docproc.train.hands import allographs, draw_hand, write_digit
from docproc.train.regional import REGIONAL
from docproc.types import STYLES


@pytest.mark.parametrize("style", range(len(STYLES)))
@pytest.mark.parametrize("digit", range(10))
def test_every_digit_has_shapes_in_every_style(digit: int, style: int) -> None:
    shapes = allographs(digit, style)
    assert shapes
    for shape in shapes:
        points = np.concatenate([run for stroke in read_shape(shape) for run in stroke])
        assert np.abs(points - [0.3, 0.5]).max() < 0.8, shape
        assert np.ptp(points[:, 1]) > 0.85, shape


def test_regions_differ_where_people_confuse_each_other() -> None:
    american, european = (REGIONAL[style] for style in STYLES)
    for digit in "17":
        assert not set(american[digit]) & set(european[digit])
    # A crossed 7 has a stroke of its own for the bar; in the American shapes nothing crosses.
    assert all(";" not in shape for shape in american["7"])
    assert sum(";" in shape for shape in european["7"]) >= 4


def test_a_hand_writes_alike_but_never_twice_the_same() -> None:
    rng = np.random.default_rng(5)
    hand = draw_hand(rng)
    glyphs = [write_digit(rng, 4, hand) for _ in range(8)]
    assert {(glyph.label, glyph.name, glyph.style) for glyph in glyphs} == {(4, "4", hand.style)}
    assert len({glyph.strokes[0].tobytes() for glyph in glyphs}) == 8
    for glyph in glyphs:
        every = np.concatenate(glyph.strokes)
        width, height = np.ptp(every, axis=0)
        assert max(height, width / 2) == pytest.approx(1, abs=1e-5)


def test_hands_come_in_both_styles_and_from_the_seed() -> None:
    hands = [draw_hand(np.random.default_rng(seed)) for seed in range(20)]
    assert {hand.style for hand in hands} == set(range(len(STYLES)))
    assert draw_hand(np.random.default_rng(7)) == hands[7]
    for hand in hands:
        assert all(shape in allographs(digit, hand.style) for digit, shape in enumerate(hand.shapes))

"""Composed fields know which glyph each pixel belongs to and what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train import strings
from docproc.train.bank import Bank, make_bank
from docproc.train.data import Glyph, load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.train.strings import Strip, clean_strip, compose
from docproc.types import NOT_A_DIGIT

FIELDS = 40


@pytest.fixture(scope="module")
def bank(digit_sets: Path) -> Bank:
    glyphs = (*load_glyphs(digit_sets, False), *printed_glyphs(digits=True))
    return make_bank(glyphs, printed_glyphs(digits=False))


def test_same_seed_composes_the_same_field_and_another_does_not(bank: Bank) -> None:
    first, again, other = (compose(np.random.default_rng(seed), bank) for seed in (3, 3, 4))
    assert np.array_equal(first.gray, again.gray)
    assert np.array_equal(first.owner, again.owner)
    assert first.labels == again.labels
    assert first.gray.shape != other.gray.shape or not np.array_equal(first.gray, other.gray)


def test_owners_are_where_the_ink_is_and_every_glyph_has_some(bank: Bank) -> None:
    words = 0
    for seed in range(FIELDS):
        strip = compose(np.random.default_rng(seed), bank)
        assert strip.gray.shape == strip.owner.shape
        assert set(np.unique(strip.owner)) == set(range(len(strip.labels) + 1))
        owned, paper = strip.gray[strip.owner > 0], strip.gray[strip.owner == 0]
        assert owned.mean() < paper.mean() - 25
        words += all(label == NOT_A_DIGIT for label in strip.labels)
    assert 0 < words < FIELDS / 2


def test_glyphs_stand_in_the_order_of_their_labels(bank: Bank) -> None:
    for seed in range(10):
        strip = compose(np.random.default_rng(seed), bank)
        middles = [np.nonzero(strip.owner == i + 1)[1].mean() for i in range(len(strip.labels))]
        assert middles == sorted(middles)


def test_invented_hands_write_their_share_and_say_their_style(bank: Bank) -> None:
    drawn = replace(bank, drawn=1.0)
    known = []
    for seed in range(FIELDS):
        strip = compose(np.random.default_rng(seed), drawn)
        styles = {style for style, label in zip(strip.styles, strip.labels, strict=True) if label != NOT_A_DIGIT}
        assert styles in (set(), {0}, {1})
        known += styles
    assert set(known) == {0, 1}
    plain = [compose(np.random.default_rng(seed), bank).styles for seed in range(FIELDS)]
    assert {style for styles in plain for style in styles} == {-1}


BAR = np.full((40, 12), 255, np.uint8)
DIGITS = [Glyph(digit, str(digit), "unipen/bars", bitmap=BAR) for digit in range(10)]
MARKS = [Glyph(NOT_A_DIGIT, name, "unipen/bars", bitmap=np.full((40, 24), 255, np.uint8)) for name in "-/=,#cX"]
SHARES = ("RATIO_SHARE", "TEMPERATURE_SHARE", "FILLER_SHARE")
TAKEN_BACK = {"struck", "overwritten"}


def compose_with(monkeypatch: pytest.MonkeyPatch, share: str) -> list[Strip]:
    """Numbers of bars, each of one kind, or none of it where no share is named."""
    for name in SHARES:
        monkeypatch.setattr(strings, name, float(name == share))
    bars = make_bank([*DIGITS, *MARKS], [Glyph(NOT_A_DIGIT, "K", "print/face", bitmap=BAR)])
    made = [compose(np.random.default_rng(seed), bars) for seed in range(FIELDS)]
    return [strip for strip in made if any(is_digit(strip, i) for i in range(len(strip.labels)))]


def is_digit(strip: Strip, i: int) -> bool:
    """Whether a glyph was written as a digit, even if it was taken back."""
    return strip.labels[i] != NOT_A_DIGIT or strip.names[i] in TAKEN_BACK


def test_names_say_what_each_glyph_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for strip in compose_with(monkeypatch, ""):
        assert len(strip.names) == len(strip.labels) == len(strip.styles)
        for name, label in zip(strip.names, strip.labels, strict=True):
            assert (name == str(label)) if label != NOT_A_DIGIT else not name.isdigit()
        seen |= set(strip.names)
    assert seen >= {*"0123456789", ".", "-", "K"}
    assert not seen & {"degree", "c", "X"}


def test_a_picture_cut_where_its_writing_ends_still_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "TIGHT_SHARE", 1.0)
    monkeypatch.setattr(strings, "TIGHT", (0.3, 0.3))
    for strip in compose_with(monkeypatch, ""):
        assert strip.owner.any(0).mean() > 0.2


def test_temperatures_end_in_a_small_raised_ring_and_a_c(monkeypatch: pytest.MonkeyPatch) -> None:
    strips = compose_with(monkeypatch, "TEMPERATURE_SHARE")
    small = 0
    for strip in strips:
        ring = strip.names.index("degree")
        assert strip.labels[ring] == strip.labels[ring + 1] == NOT_A_DIGIT
        assert strip.names[ring + 1] == "c"
        assert not any(is_digit(strip, i) for i in range(ring, len(strip.names)))
        before = [i for i in range(ring) if is_digit(strip, i)]
        heights = [np.ptp(np.nonzero(strip.owner == i + 1)[0]) for i in (ring, *before)]
        small += heights[0] < 0.7 * max(heights[1:])
    assert len(strips) > FIELDS / 2
    assert small > 0.9 * len(strips)


def test_places_left_empty_are_filled_with_crosses_at_one_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = set()
    for strip in compose_with(monkeypatch, "FILLER_SHARE"):
        fillers = [i for i, name in enumerate(strip.names) if name == "X"]
        assert 1 <= len(fillers) <= 3
        assert fillers == list(range(fillers[0], fillers[-1] + 1))
        digits = [i for i in range(len(strip.names)) if is_digit(strip, i)]
        assert fillers[-1] < digits[0] or fillers[0] > digits[-1]
        assert all(strip.labels[i] == NOT_A_DIGIT for i in fillers)
        ends.add(fillers[0] > digits[0])
    assert ends == {True, False}


def test_slash_of_a_ratio_stands_between_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios = 0
    for strip in compose_with(monkeypatch, "RATIO_SHARE"):
        digits = [i for i in range(len(strip.names)) if is_digit(strip, i)]
        inside = [i for i, name in enumerate(strip.names) if name == "/" and digits[0] < i < digits[-1]]
        assert inside or len(digits) <= 2
        ratios += bool(inside)
    assert ratios > FIELDS / 3


def test_cleaned_field_has_its_ink_and_not_its_rulings() -> None:
    gray = np.full((90, 500), 255, np.uint8)
    cv2.putText(gray, "47", (40, 60), cv2.FONT_HERSHEY_DUPLEX, 2, 30, 4)
    gray[76:79] = 60
    page = clean_strip(gray)
    assert page.gray.shape == page.ink.shape == (90, 500)
    assert page.full_ink[77, 200:].all()
    assert not page.ink[74:81].any()
    assert page.ink[20:62, 40:130].sum() > 0.9 * (gray[20:62, 40:130] < 128).sum()
    assert [ruling.horizontal for ruling in page.rulings] == [True]


def test_word_of_letters_too_faint_to_be_seen_is_a_field_without_ink() -> None:
    faint = Glyph(NOT_A_DIGIT, "K", "print/face", bitmap=np.full((20, 10), 9, np.uint8))
    bank = make_bank([*DIGITS, *MARKS], [faint])
    made = [compose(np.random.default_rng(seed), bank) for seed in range(FIELDS)]
    words = [strip for strip in made if {*strip.names} == {"K"}]
    assert words
    assert not any(strip.owner.any() for strip in words)

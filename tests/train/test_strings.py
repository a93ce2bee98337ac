"""Composed fields know which glyph each pixel belongs to, and label what the lattice proposes by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train.data import Glyph, load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.train.strings import PRINTED_SHARE, SEPARATORS, Bank, compose, label_segments, make_bank
from docproc.types import NOT_A_DIGIT

FIELDS = 40


@pytest.fixture(scope="module")
def bank(digit_sets: Path) -> Bank:
    glyphs = (*load_glyphs(digit_sets, False), *printed_glyphs(digits=True))
    return make_bank(glyphs, printed_glyphs(digits=False))


def test_bank_sorts_digits_by_writer_marks_by_name_and_the_rest_as_letters(bank: Bank) -> None:
    assert all(glyph.label == label for writer in bank.writers for label, glyphs in writer.items() for glyph in glyphs)
    assert set(bank.marks) == set(SEPARATORS) - {"."}
    assert all(glyph.label == NOT_A_DIGIT and glyph.name not in SEPARATORS for glyph in bank.letters)
    assert bank.weights.sum() == pytest.approx(1)
    printed = np.array([next(iter(writer.values()))[0].writer.startswith("print/") for writer in bank.writers])
    assert bank.weights[printed].sum() == pytest.approx(PRINTED_SHARE)


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


def test_digits_are_labelled_as_what_they_are(bank: Bank) -> None:
    """The same seed composes the same field, so what was written is known."""
    written = found = 0
    for seed in range(FIELDS):
        digits = [label for label in compose(np.random.default_rng(seed), bank).labels if label != NOT_A_DIGIT]
        made = label_segments(np.random.default_rng(seed), bank)
        crops, labels = made.crops, made.labels
        assert crops.shape == (len(labels), 28, 28)
        assert made.styles.shape == labels.shape
        named = set(labels[labels != NOT_A_DIGIT].tolist())
        assert named <= set(digits)
        written += len(digits)
        found += sum(digit in named for digit in digits)
    assert found > 0.9 * written


def ring_bank() -> Bank:
    """Every digit is a ring: a crop with two holes shows two of them."""
    ring = np.zeros((40, 32), np.uint8)
    cv2.ellipse(ring, (16, 20), (13, 17), 0, 0, 360, 255, 5)
    bar = np.full((8, 24), 255, np.uint8)
    digits = [Glyph(digit, str(digit), "unipen/rings", bitmap=ring) for digit in range(10)]
    marks = [Glyph(NOT_A_DIGIT, name, "unipen/rings", bitmap=bar) for name in (*SEPARATORS, "letter")]
    return make_bank([*digits, *marks], [Glyph(NOT_A_DIGIT, "K", "print/face", bitmap=bar)])


def count_holes(crop: np.ndarray) -> int:
    """Holes at least half as large as that of half a crop's width."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((crop < 60).astype(np.uint8), connectivity=4)
    outside = (stats[:, 0] == 0) & (stats[:, 2] == 28)
    return int(((stats[:, 4] >= 12) & ~outside).sum()) - 1 + int(outside[0])


def test_two_digits_in_one_segment_are_never_called_one() -> None:
    bank = ring_bank()
    one, two = [], 0
    for seed in range(FIELDS):
        made = label_segments(np.random.default_rng(seed), bank)
        labels = made.labels
        holes = np.array([count_holes(crop) for crop in made.crops])
        one.extend(holes[labels != NOT_A_DIGIT])
        two += int((holes[labels == NOT_A_DIGIT] == 2).sum())
    assert two > 5
    # A stroke through the whole field, as one in twenty has, parts a ring in two.
    assert np.mean(np.array(one) == 1) > 0.85
    assert np.mean(np.array(one) >= 2) < 0.05


def test_invented_hands_write_their_share_and_say_their_style(bank: Bank) -> None:
    drawn = replace(bank, drawn=1.0)
    known = []
    for seed in range(FIELDS):
        strip = compose(np.random.default_rng(seed), drawn)
        styles = {style for style, label in zip(strip.styles, strip.labels, strict=True) if label != NOT_A_DIGIT}
        assert styles in (set(), {0}, {1})
        known += styles
        made = label_segments(np.random.default_rng(seed), drawn)
        assert set(made.styles[made.labels != NOT_A_DIGIT].tolist()) <= styles
        assert (made.styles[made.labels == NOT_A_DIGIT] == -1).all()
    assert set(known) == {0, 1}
    plain = [compose(np.random.default_rng(seed), bank).styles for seed in range(FIELDS)]
    assert {style for styles in plain for style in styles} == {-1}


def test_prolific_writers_are_taken_more_often() -> None:
    bar = np.full((30, 8), 255, np.uint8)
    digits = [Glyph(1, "1", "mnist/few", bitmap=bar)] * 10 + [Glyph(1, "1", "mnist/many", bitmap=bar)] * 240
    weights = make_bank([*digits, Glyph(1, "1", "print/face", bitmap=bar)], []).weights
    assert weights[1] / weights[0] == pytest.approx(4 / 0.5)
    assert weights.sum() == pytest.approx(1)

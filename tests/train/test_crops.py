"""Training crops come in chunks from a seed, the same whoever makes them, labelled by the ink that they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train.bank import CHUNK, SEPARATORS, Bank, make_bank
from docproc.train.crops import REJECTS_PER_DIGIT, LabelledCrops, join_crops, label_segments, make_crops, mnist_crops
from docproc.train.data import Glyph, load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.train.strings import compose
from docproc.types import NOT_A_DIGIT

FIELDS = 40


@pytest.fixture(scope="module")
def chunks(digit_sets: Path) -> list[LabelledCrops]:
    return list(make_crops(digit_sets, CHUNK + 1, held_out=False, seed=1, workers=2))


def test_chunks_hold_digits_and_a_bounded_share_of_rejects(chunks: list[LabelledCrops]) -> None:
    assert len(chunks) == 2
    for chunk in chunks:
        assert chunk.crops.shape == (len(chunk.labels), 28, 28)
        assert chunk.crops.dtype == np.uint8
        assert set(np.unique(chunk.labels)) == set(range(11))
        digits = int((chunk.labels != NOT_A_DIGIT).sum())
        assert digits > CHUNK
        assert len(chunk.labels) - digits <= REJECTS_PER_DIGIT * digits
    assert not np.array_equal(chunks[0].crops[:20], chunks[1].crops[:20])


def test_crops_depend_on_the_seed_and_not_on_the_workers(chunks: list[LabelledCrops], digit_sets: Path) -> None:
    (again,) = make_crops(digit_sets, CHUNK, held_out=False, seed=1, workers=1)
    assert np.array_equal(again.crops, chunks[0].crops)
    assert np.array_equal(again.labels, chunks[0].labels)


@pytest.fixture(scope="module")
def bank(digit_sets: Path) -> Bank:
    glyphs = (*load_glyphs(digit_sets, False), *printed_glyphs(digits=True))
    return make_bank(glyphs, printed_glyphs(digits=False))


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


def test_digits_of_invented_hands_have_the_style_of_the_field_and_rejects_have_none(bank: Bank) -> None:
    drawn = replace(bank, drawn=1.0)
    known = set()
    for seed in range(FIELDS):
        strip = compose(np.random.default_rng(seed), drawn)
        styles = {style for style, label in zip(strip.styles, strip.labels, strict=True) if label != NOT_A_DIGIT}
        made = label_segments(np.random.default_rng(seed), drawn)
        assert set(made.styles[made.labels != NOT_A_DIGIT].tolist()) <= styles
        assert (made.styles[made.labels == NOT_A_DIGIT] == -1).all()
        known |= styles
    assert known == {0, 1}


def test_join_keeps_order() -> None:
    parts = [LabelledCrops(np.full((n, 28, 28), n, np.uint8), np.full(n, n), np.full(n, n % 2)) for n in (2, 3)]
    joined = join_crops(iter(parts))
    assert joined.styles.tolist() == [0, 0, 1, 1, 1]
    assert joined.labels.tolist() == joined.crops[:, 0, 0].tolist() == [2, 2, 3, 3, 3]


def test_mnist_crops_are_mnists_own(digit_sets: Path) -> None:
    crops = mnist_crops(digit_sets, held_out=True)
    with np.load(digit_sets / "mnist_train.npz") as file:
        kept = np.isin(file["writer"], (6, 9, 10, 14))
        assert np.array_equal(crops.crops, file["x"][kept])
        assert np.array_equal(crops.labels, file["y"][kept])
    assert (crops.styles == -1).all()

"""Composed numbers of given digits: whole, alone, and touching exactly where they are asked to."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.train.bank import Bank, make_bank
from docproc.train.data import Glyph, load_glyphs
from docproc.train.strings import are_touching, compose_digits

NUMBERS = 15


@pytest.fixture(scope="module")
def bank(digit_sets: Path) -> Bank:
    return make_bank(load_glyphs(digit_sets, True), ())


@pytest.mark.parametrize("touching", [False, True])
def test_digits_are_those_asked_for_in_their_order(bank: Bank, touching: bool) -> None:
    for seed in range(NUMBERS):
        digits = np.random.default_rng(seed).integers(0, 10, 2 + seed % 9).tolist()
        strip = compose_digits(np.random.default_rng(seed), bank, digits, touching)
        assert strip.labels == tuple(digits)
        assert strip.gray.shape == strip.owner.shape
        assert set(np.unique(strip.owner)) == set(range(len(digits) + 1))
        assert strip.gray[strip.owner > 0].mean() < strip.gray[strip.owner == 0].mean() - 25


def stroke_bank() -> Bank:
    """Every digit is an upright bar with a foot: neighbours touch by their feet or not at all."""
    foot = np.zeros((40, 24), np.uint8)
    foot[:, 8:16] = foot[-8:] = 255
    return make_bank([Glyph(digit, str(digit), "unipen/feet", bitmap=foot) for digit in range(10)], ())


def count_pieces(gray: np.ndarray) -> int:
    """Pieces of ink as large as a digit."""
    _, ink = cv2.threshold(cv2.GaussianBlur(gray, (5, 5), 0), 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink)
    return int((stats[1:, cv2.CC_STAT_AREA] > 60).sum())


@pytest.mark.parametrize("length", [2, 4, 10])
def test_touching_numbers_have_fewer_pieces_than_digits_and_others_as_many(length: int) -> None:
    bank, digits = stroke_bank(), [3] * length
    for touching in (False, True):
        strips = [compose_digits(np.random.default_rng(seed), bank, digits, touching) for seed in range(NUMBERS)]
        assert all(are_touching(strip.owner) is touching for strip in strips)
        fewer = np.array([count_pieces(strip.gray) < length for strip in strips])
        # A pale scan or a coarse one may part or join now and then.
        assert (fewer.mean() > 0.7) if touching else (fewer.mean() < 0.3)


def test_no_digit_is_cut_off_at_either_end() -> None:
    bank = stroke_bank()
    for seed in range(3 * NUMBERS):
        owner = compose_digits(np.random.default_rng(seed), bank, [0, 0, 0], touching=False).owner
        areas = np.bincount(owner.ravel())[1:]
        assert areas.min() > 0.6 * areas.max()


def test_owners_touch_where_their_ink_hangs_together() -> None:
    apart = np.array([[1, 1, 0, 2, 2], [1, 0, 0, 0, 2]], np.int32)
    corner = np.array([[1, 1, 0, 2, 2], [1, 0, 2, 0, 2], [0, 1, 0, 0, 0]], np.int32)
    assert not are_touching(apart)
    assert are_touching(corner)
    assert not are_touching(np.zeros((2, 5), np.int32))


def test_same_seed_composes_the_same_number(bank: Bank) -> None:
    first, again = (compose_digits(np.random.default_rng(7), bank, [1, 2, 3], touching=True) for _ in range(2))
    assert np.array_equal(first.gray, again.gray)


def test_one_digit_has_no_pair_to_touch(bank: Bank) -> None:
    with pytest.raises(ValueError, match="pair"):
        compose_digits(np.random.default_rng(1), bank, [4], touching=True)
    assert compose_digits(np.random.default_rng(1), bank, [4], touching=False).labels == (4,)

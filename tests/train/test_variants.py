"""Crops leaned either way are the same crops, leaned."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train.variants import LEAN, vary


def upright_bar() -> np.ndarray:
    crops = np.zeros((1, 28, 28), np.uint8)
    crops[0, 4:24, 12:16] = 255
    return crops


def slope(crop: np.ndarray) -> float:
    """Columns that the ink moves to the right for each row downward."""
    rows = np.arange(5, 23)
    centres = (crop[rows].astype(float) * np.arange(28)).sum(1) / crop[rows].sum(1)
    return float(np.polyfit(rows, centres, 1)[0])


def test_variants_lean_to_both_sides_about_the_middle() -> None:
    left, right = (variant[0] for variant in vary(upright_bar()))
    assert slope(left) == pytest.approx(-LEAN, abs=0.02)
    assert slope(right) == pytest.approx(LEAN, abs=0.02)
    for variant in (left, right):
        assert variant.sum() == pytest.approx(upright_bar().sum(), rel=0.02)
        assert variant[13:15].sum() == pytest.approx(upright_bar()[0, 13:15].sum(), rel=0.02)


def test_a_crop_is_varied_alike_in_any_company() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    for whole, first, rest in zip(vary(crops), vary(crops[:3]), vary(crops[3:]), strict=True):
        assert np.array_equal(whole, np.concatenate([first, rest]))
    assert [variant.shape for variant in vary(crops[:0])] == [(0, 28, 28)] * 2

"""Coverage: as much ink as the pen lays down."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train.ink import blot, grain_ink, ink_strokes, smudge_ink, stroke_widths


def test_coverage_of_a_straight_stroke_is_its_width_times_its_length() -> None:
    rng = np.random.default_rng(0)
    stroke = np.array([[20.0, 40.0], [80.0, 40.0]])
    drawn = ink_strokes(rng, [stroke], 5.0, 0.0, (80, 100))
    assert drawn[:, 50].sum() == pytest.approx(5, abs=0.5)
    assert drawn.sum() == pytest.approx(5 * 60 + np.pi * 2.5**2, rel=0.08)
    assert drawn[:30].max() == 0


def test_half_a_pixel_moves_half_the_edge() -> None:
    rng = np.random.default_rng(0)
    rows = np.array([[10.0, 20.0], [90.0, 20.0]])
    there = ink_strokes(rng, [rows], 4.0, 0.0, (40, 100))[:, 50]
    moved = ink_strokes(rng, [rows + np.array([0, 0.5])], 4.0, 0.0, (40, 100))[:, 50]
    middle = np.arange(40)
    assert (moved * middle).sum() / moved.sum() - (there * middle).sum() / there.sum() == pytest.approx(0.5, abs=0.15)


def test_pressure_thins_the_ends() -> None:
    stroke = np.linspace([0.0, 0.0], [100.0, 0.0], 50)
    firm = stroke_widths(np.random.default_rng(0), stroke, 4.0, 0.3)
    assert firm[-1] < firm[20:30].mean()
    assert firm.min() > 1
    assert np.allclose(stroke_widths(np.random.default_rng(0), stroke, 4.0, 0.0), 4.0)


def test_grain_and_smudge_keep_ink_between_nothing_and_full() -> None:
    rng = np.random.default_rng(0)
    drawn = ink_strokes(rng, [np.array([[20.0, 20.0], [80.0, 20.0]])], 5.0, 0.0, (40, 120))
    dry = grain_ink(rng, drawn, 0.5)
    assert 0 < dry.sum() < drawn.sum()
    assert np.all(dry <= drawn)
    wiped = smudge_ink(rng, drawn, 12)
    assert wiped.max() <= 1.001
    assert wiped[18:23, 86:94].sum() > 0.5
    assert wiped[:, :14].sum() < 0.01


def test_blot_is_darkest_in_its_middle() -> None:
    spot = blot(np.random.default_rng(0), 8, (60, 60), (30, 30))
    assert spot[28:33, 28:33].mean() > 0.6
    assert spot[:5].max() == 0

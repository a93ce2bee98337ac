"""Strokes: every writer's own, never twice the same, and smooth."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.train.glyphs import DIGITS, LETTERS, read_shape
from docproc.train.pen import (
    cross_strokes,
    digit_strokes,
    draw_writer,
    glyph_strokes,
    signature_strokes,
    strike_out,
    text_strokes,
    tick_strokes,
)


@pytest.mark.parametrize("digit", range(10))
def test_digit_fills_the_unit_height_from_the_left_edge(digit: int) -> None:
    rng = np.random.default_rng(digit)
    for seed in range(30):
        every = np.concatenate(digit_strokes(rng, digit, draw_writer(seed)))
        assert every[:, 0].min() == pytest.approx(0)
        assert 0.8 < np.ptp(every[:, 1]) < 1.35
        assert np.ptp(every[:, 0]) < 1.3


def test_strokes_are_smooth_enough_to_hide_their_points() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        for digit in range(10):
            for stroke in digit_strokes(rng, digit, draw_writer(seed)):
                steps = np.linalg.norm(np.diff(stroke, axis=0), axis=1)
                assert steps.max() < 0.1


def test_same_seed_is_same_hand_and_another_is_not() -> None:
    def strokes(seed: int) -> np.ndarray:
        return np.concatenate(digit_strokes(np.random.default_rng(5), 8, draw_writer(seed)))

    assert np.array_equal(strokes(3), strokes(3))
    assert not np.array_equal(strokes(3)[:20], strokes(4)[:20])


def test_one_writer_never_draws_twice_the_same() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(digit_strokes(rng, 2, draw_writer(1))) for _ in range(2))
    assert not np.array_equal(first[:20], second[:20])


def test_every_allograph_is_some_writers_habit() -> None:
    writers = [draw_writer(seed) for seed in range(400)]
    for digit, shapes in DIGITS.items():
        assert {writer.allograph(digit) for writer in writers} == set(range(len(shapes)))
    slashed = sum(writer.allograph("0") == 3 for writer in writers)
    assert 0 < slashed < 80


def test_every_shape_can_be_read_and_drawn() -> None:
    writer, rng = draw_writer(0), np.random.default_rng(0)
    for character, shapes in {**DIGITS, **LETTERS}.items():
        assert all(read_shape(shape) for shape in shapes)
        assert glyph_strokes(rng, character, writer)
    with pytest.raises(KeyError):
        glyph_strokes(rng, "§", writer)


def test_text_goes_from_left_to_right_and_blanks_are_empty() -> None:
    groups = text_strokes(np.random.default_rng(0), "4 07", draw_writer(2))
    assert [bool(group) for group in groups] == [True, False, True, True]
    middles = [np.concatenate(group)[:, 0].mean() for group in groups if group]
    assert middles == sorted(middles)


def test_marks_are_a_digit_high_and_a_signature_is_wide() -> None:
    rng, writer = np.random.default_rng(0), draw_writer(3)
    for strokes in (tick_strokes(rng, writer), cross_strokes(rng, writer)):
        assert 0.7 < np.ptp(np.concatenate(strokes)[:, 1]) < 1.3
    signed = np.concatenate(signature_strokes(rng, writer))
    assert np.ptp(signed[:, 0]) > 1.2 * np.ptp(signed[:, 1])


def test_strike_out_runs_through_all_that_was_written() -> None:
    rng = np.random.default_rng(0)
    written = [stroke for group in text_strokes(rng, "482", draw_writer(1)) for stroke in group]
    every, lines = np.concatenate(written), strike_out(rng, written)
    for line in lines:
        assert line[:, 0].min() < every[:, 0].min()
        assert line[:, 0].max() > every[:, 0].max()
        assert every[:, 1].min() < line[:, 1].mean() < every[:, 1].max()

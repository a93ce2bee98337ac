"""The generator: same seed same page, and the truth lies where the ink is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from docproc.train.draw import (
    Drawn,
    digit_strokes,
    draw_boxes,
    draw_comb_form,
    draw_letter,
    draw_slip,
    draw_tally,
    draw_writer,
    move_fields,
)
from docproc.train.glyphs import DIGITS, LETTERS, read_shape
from docproc.train.ink import ink_strokes
from docproc.train.paper import photograph, scan, to_grey
from docproc.train.pen import glyph_strokes, text_strokes
from docproc.train.sheet import Area, Hand, Pen, start_sheet, write_line
from docproc.types import Box


def darkness(drawn: Drawn, box: Box) -> float:
    """Share of dark pixels inside a box, its printed border left out."""
    margin = max(3, box.height // 10)
    inside = drawn.picture[box.y + margin : box.bottom - margin, box.x + margin : box.right - margin]
    return float((to_grey(inside) < 0.6).mean())


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


def test_coverage_of_a_straight_stroke_is_its_width_times_its_length() -> None:
    rng = np.random.default_rng(0)
    stroke = np.array([[20.0, 40.0], [80.0, 40.0]])
    drawn = ink_strokes(rng, [stroke], 5.0, 0.0, (80, 100))
    assert drawn[:, 50].sum() == pytest.approx(5, abs=0.5)
    assert drawn.sum() == pytest.approx(5 * 60 + np.pi * 2.5**2, rel=0.08)
    assert drawn[:30].max() == 0


def test_ink_off_the_sheet_is_lost_without_error() -> None:
    sheet = start_sheet(np.random.default_rng(0), 40, 20, 100)
    hand = Hand(draw_writer(0), Pen())
    write_line(sheet, hand, "123456789", (-8, 3), 8)
    write_line(sheet, hand, "7", (300, 300), 8)
    assert sheet.picture.min() < 0.4
    assert sheet.box(Area(0, 0, 25.4, 12.7)) == Box(0, 0, 100, 50)


@pytest.mark.parametrize("draw", [draw_comb_form, draw_tally, draw_boxes, draw_slip, draw_letter])
def test_page_is_the_same_from_the_same_seed(draw: Callable[[int, float], Drawn]) -> None:
    first, again = draw(7, 60), draw(7, 60)
    assert np.array_equal(first.picture, again.picture)
    assert first.fields == again.fields
    assert not np.array_equal(first.picture, draw(8, 60).picture)


@pytest.mark.parametrize("draw", [draw_comb_form, draw_tally, draw_boxes, draw_slip])
def test_fields_with_digits_hold_ink_and_blank_ones_none(draw: Callable[[int, float], Drawn]) -> None:
    for seed in range(3):
        drawn = draw(seed, 100)
        for field in drawn.fields:
            first = Box(field.box.x, field.box.y, min(field.box.width, field.box.height), field.box.height)
            if field.digits:
                assert darkness(drawn, field.box) > 0.004
            elif draw is not draw_comb_form:
                assert darkness(drawn, field.box) == 0
            else:
                assert darkness(drawn, first) < 0.2


def test_tally_sums_add_up() -> None:
    values = {field.name: int(field.text) for field in draw_tally(3, 50).fields}
    assert values["Together All day"] == sum(values[f"Together {hour}"] for hour in ("Morning", "Noon", "Evening"))


def test_fields_follow_the_page_through_the_scanner() -> None:
    drawn = draw_slip(2, 100)
    # A page that is black in one field only tells where that field went.
    box = drawn.fields[0].box
    marked = np.ones_like(drawn.picture)
    marked[box.y : box.bottom, box.x : box.right] = 0
    for effect in ("scan", "photo"):
        rng = np.random.default_rng(1)
        if effect == "scan":
            seen, moved = scan(rng, marked, 2.0, dust=0, edge=0)
        else:
            seen, moved = photograph(rng, marked, (400, 560))
        there = move_fields(drawn.fields, moved)[0].box
        rows, columns = np.nonzero(to_grey(seen) < 0.04)
        assert columns.min() == pytest.approx(there.x, abs=3)
        assert columns.max() == pytest.approx(there.right, abs=3)
        assert rows.min() == pytest.approx(there.y, abs=3)
        assert rows.max() == pytest.approx(there.bottom, abs=3)

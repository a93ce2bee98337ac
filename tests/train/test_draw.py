"""The generator: same seed same page, and the truth lies where the ink is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from docproc.train.draw import (
    Drawn,
    draw_boxes,
    draw_comb_form,
    draw_letter,
    draw_slip,
    draw_tally,
    draw_writer,
    move_fields,
)
from docproc.train.paper import photograph, scan, to_grey
from docproc.train.sheet import Area, Hand, Pen, start_sheet, write_line
from docproc.types import Box


def darkness(drawn: Drawn, box: Box) -> float:
    """Share of dark pixels inside a box, its printed border left out."""
    margin = max(3, box.height // 10)
    inside = drawn.picture[box.y + margin : box.bottom - margin, box.x + margin : box.right - margin]
    return float((to_grey(inside) < 0.6).mean())


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

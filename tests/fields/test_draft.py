"""Blank sheets are drafted: every place that asks for a number is found, with the print that says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docproc.clean.page import clean
from docproc.fields.draft import Drafted, draft
from docproc.flow.forms import load_pages
from docproc.options import Options
from docproc.train.sheet import Area, Comb, Sheet, print_text, rule, rule_box, rule_comb, start_sheet
from docproc.types import Box, Page, PageRef

NEAR = 8
"""Pixels at 300 dpi, 0.7 mm, by which a box may miss what was drawn."""


def bare() -> Sheet:
    """A small sheet with a heading and a paragraph, which no field may come from."""
    sheet = start_sheet(np.random.default_rng(1), 148, 105, 300)
    print_text(sheet, (10, 6), "WATER METER CARD", 4)
    rule(sheet, (10, 11.5), (50, 11.5), 0.3)
    print_text(sheet, (10, 14), "Write one digit in each box, in pen. Leave a line empty if it does not apply.", 2)
    return sheet


def drafted(sheet: Sheet) -> tuple[Drafted, ...]:
    gray = np.asarray(sheet.picture.mean(axis=2) * 255, np.uint8)
    return draft(clean(Page(PageRef("sheet.png", "", 1), gray, sheet.dpi), False))


def near(box: Box, other: Box) -> bool:
    return bool(np.abs(np.subtract(box, other)).max() <= NEAR)


def test_combs_boxes_and_blanks_are_found_in_reading_order() -> None:
    sheet = bare()
    print_text(sheet, (10, 23), "Connection", 2.5)
    comb = rule_comb(sheet, Comb(60, 20, 7, 7, 9))
    print_text(sheet, (10, 38), "People", 2.5)
    box = rule_box(sheet, Area(60, 35, 30, 9))
    print_text(sheet, (10, 54), "Pulse:", 2.5)
    rule(sheet, (25, 57), (45, 57), 0.3)
    print_text(sheet, (60, 54), "Weight:", 2.5)
    rule(sheet, (80, 57), (110, 57), 0.3)
    found = drafted(sheet)
    assert [one.field.kind for one in found] == ["comb", "box", "line", "line"]
    assert [one.field.name for one in found] == ["1", "2", "3", "4"]
    assert near(found[0].field.box, comb)
    assert len(found[0].field.cells) == 7
    assert near(found[1].field.box, box)
    low, high = (found[2].field.box.y, found[2].field.box.bottom)
    assert low < sheet.pixels(51) < sheet.pixels(57) < high < sheet.pixels(59)
    for one, (x, y) in zip(found, ((10, 23), (10, 38), (10, 54), (60, 54)), strict=True):
        (label,) = one.labels
        assert abs(label.x - sheet.pixels(x)) < 15
        assert label.y < sheet.pixels(y + 1) < label.bottom
        assert label.right <= one.field.box.x + 15


def test_comb_goes_on_behind_a_printed_sign_and_a_small_gap() -> None:
    sheet = bare()
    for x in (20, 26, 39, 46.7, 53):
        rule_box(sheet, Area(x, 30, 6, 8))
    rule(sheet, (34.6, 34), (36.6, 34), 0.5)
    (comb,) = drafted(sheet)
    assert len(comb.field.cells) == 5


def test_combs_far_apart_are_two() -> None:
    sheet = bare()
    rule_comb(sheet, Comb(20, 30, 3, 6, 8))
    rule_comb(sheet, Comb(44, 30, 4, 6, 8))
    assert [len(one.field.cells) for one in drafted(sheet)] == [3, 4]


def test_tick_boxes_panels_frames_and_underlined_print_ask_for_no_number() -> None:
    sheet = bare()
    rule_box(sheet, Area(3, 3, 142, 99), 0.6)
    for x in (20, 50):
        rule_box(sheet, Area(x, 30, 4, 4), 0.25)
        print_text(sheet, (x + 6, 31), "blocked", 2.3)
    rule_box(sheet, Area(20, 45, 50, 45))
    print_text(sheet, (80, 50), "REMARKS", 3)
    rule(sheet, (80, 53.8), (100, 53.8), 0.3)
    rule(sheet, (10, 95), (138, 95), 0.3)
    assert drafted(sheet) == ()


def test_cells_of_a_table_take_row_and_column_for_a_label() -> None:
    sheet = bare()
    for y in (25, 35, 45, 55):
        rule(sheet, (10, y), (100, y), 0.3)
    for x in (10, 50, 75, 100):
        rule(sheet, (x, 25), (x, 55), 0.3)
    for text, x, y in (("Bird", 12, 28), ("Noon", 53, 28), ("Evening", 78, 28), ("Heron", 12, 38), ("Coot", 12, 48)):
        print_text(sheet, (x, y), text, 2.5)
    found = drafted(sheet)
    assert [one.field.kind for one in found] == ["cell"] * 4
    for one in found:
        row, column = one.labels
        assert row.right < sheet.pixels(50)
        assert row.y > one.field.box.y
        assert column.bottom < sheet.pixels(35)
        assert one.field.box.x < column.x < one.field.box.right


def test_box_may_hold_its_unit_and_a_cell_with_print_is_a_heading() -> None:
    sheet = bare()
    box = rule_box(sheet, Area(20, 30, 40, 9))
    print_text(sheet, (53, 33), "kg", 2.3)
    rule_comb(sheet, Comb(20, 50, 2, 40, 9))
    print_text(sheet, (23, 53), "Kilos", 2.5)
    first, second = drafted(sheet)
    assert near(first.field.box, box)
    assert second.field.box.x > sheet.pixels(59)


def test_room_above_a_blank_ends_at_the_print_above() -> None:
    sheet = bare()
    print_text(sheet, (20, 30), "The line above", 2.5)
    rule(sheet, (20, 38), (60, 38), 0.3)
    (one,) = drafted(sheet)
    assert one.field.box.y > sheet.pixels(32.6)


@pytest.mark.slow
def test_blank_of_a_clinic(data: Path) -> None:
    (page,) = load_pages(data / "pages" / "clinic" / "blank_delivery_pg_1.jpeg", Options())
    found = [one.field for one in draft(clean(page, False))]
    assert sorted(len(field.cells) for field in found if field.cells) == [6, 7]
    asked = {
        "age": (2075, 563, 182, 64),
        "weight": (1823, 2469, 140, 66),
        "height": (1823, 2549, 140, 66),
        "head": (1823, 2627, 140, 66),
        "temperature": (555, 967, 254, 52),
        "pulse": (956, 967, 152, 52),
        "pressure": (1253, 967, 174, 52),
        "respiratory": (1844, 967, 321, 52),
    }
    for name, place in asked.items():
        box = Box(*place)
        assert any(
            abs(field.box.x - box.x) <= NEAR
            and abs(field.box.right - box.right) <= NEAR
            and field.box.y <= box.y + NEAR
            and field.box.bottom >= box.bottom - NEAR
            and field.box.height <= box.height + 60
            for field in found
        ), name
    assert 30 <= len(found) <= 45

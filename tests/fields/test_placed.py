"""Fields of a form hold all of their ink, and none of their neighbours'."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.fields.placed import locate_placed
from docproc.types import Box, CleanPage, Field, Ink, PageRef, Rule

BOX = Box(100, 100, 200, 60)
FIELD = Field("weight", BOX, "place")


def page_of(*strokes: Box) -> CleanPage:
    ink = np.zeros((400, 600), np.bool_)
    for box in strokes:
        ink[box.y : box.bottom, box.x : box.right] = True
    gray = np.where(ink, 0, 255).astype(np.uint8)
    return CleanPage(PageRef("", "", 1), gray, ink, ink, (), 300.0, np.eye(3))


def ink_in(*strokes: Box) -> Ink:
    return page_of(*strokes).ink


def test_a_field_grows_to_hold_the_tail_of_its_digit() -> None:
    tail = Box(150, 120, 6, 60)  # sticks out below by 20
    page, (field,) = locate_placed(page_of(tail), (FIELD,), True)
    assert (field.box, field.flags) == (Box(100, 100, 200, 80), ())
    assert np.array_equal(page.ink, ink_in(tail))


def test_it_grows_no_farther_than_in_reach() -> None:
    long = Box(150, 101, 6, 110)
    page, (field,) = locate_placed(page_of(long), (FIELD,), True)
    assert (field.box, field.flags) == (Box(100, 100, 200, 96), ("outside",))
    assert not page.ink[196:].any()


@pytest.mark.parametrize(
    ("hanging", "flags"),
    [
        (Box(150, 88, 6, 20), ()),  # a dash or comma of the line above
        (Box(150, 20, 6, 85), ()),  # a long tail that merely reaches in
        (Box(150, 62, 6, 52), ("outside",)),  # a digit of which a quarter is inside
        (Box(150, 40, 6, 80), ("outside",)),
    ],
)
def test_what_hangs_in_from_outside_is_not_read_but_a_digit_is_flagged(hanging: Box, flags: tuple[str, ...]) -> None:
    own = Box(200, 110, 6, 40)
    page, (field,) = locate_placed(page_of(hanging, own), (FIELD,), True)
    assert (field.box, field.flags) == (BOX, flags)
    assert np.array_equal(page.ink, ink_in(own))


@pytest.mark.parametrize(("x", "flags"), [(320, ("outside",)), (80, ("outside",)), (350, ()), (40, ())])
def test_a_digit_right_beside_the_field_is_flagged_where_all_ink_is_writing(x: int, flags: tuple[str, ...]) -> None:
    beside, own = Box(x, 110, 6, 40), Box(200, 112, 6, 40)
    _, (field,) = locate_placed(page_of(beside, own), (FIELD,), True)
    assert field.flags == flags
    _, (field,) = locate_placed(page_of(beside, own), (FIELD,), False)
    assert field.flags == ()


@pytest.mark.parametrize(
    ("end", "flags"),
    [
        (Box(326, 112, 6, 40), [("outside",), ("outside",)]),  # a digit each
        (Box(326, 130, 6, 4), [(), ()]),  # a tail that merely reaches over
    ],
)
def test_digits_that_run_together_across_fields_are_flagged_in_both(end: Box, flags: list[tuple[str, ...]]) -> None:
    other = Field("height", Box(300, 100, 200, 60), "place")
    digit, stroke = Box(240, 112, 6, 40), Box(200, 130, 130, 4)
    _, fields = locate_placed(page_of(digit, stroke, end), (FIELD, other), True)
    assert [field.flags for field in fields] == flags


def test_what_belongs_to_the_next_field_or_to_another_row_is_not_beside() -> None:
    own, others = Box(200, 112, 6, 40), (Box(325, 110, 6, 40), Box(320, 180, 6, 40))
    other = Field("height", Box(315, 100, 100, 60), "place")
    _, fields = locate_placed(page_of(own, *others), (FIELD, other), True)
    assert [field.flags for field in fields] == [(), ()]


def test_a_tick_means_the_place_that_holds_most_of_it() -> None:
    yes, no = (Field(name, Box(x, 100, 40, 40), "place", rule=Rule("mark")) for name, x in (("yes", 100), ("no", 160)))
    tick = Box(110, 115, 60, 6)
    page, fields = locate_placed(page_of(tick), (yes, no), True)
    assert [field.flags for field in fields] == [(), ("unclear-mark",)]
    assert page.ink[115:121, 110:140].all()
    assert not page.ink[:, 160:].any()


def test_a_digit_tied_to_something_outside_is_kept_as_far_as_it_stands_inside() -> None:
    tied = (Box(150, 105, 6, 50), Box(150, 40, 6, 80), Box(20, 40, 130, 6))
    page, (field,) = locate_placed(page_of(*tied), (FIELD,), True)
    assert (field.box, field.flags) == (BOX, ("outside",))
    assert np.array_equal(page.ink, ink_in(Box(150, 100, 6, 55)))


def test_fields_keep_their_names_cells_and_order_and_may_be_blank() -> None:
    cells = (Box(300, 200, 40, 50), Box(340, 200, 40, 50))
    fields = (FIELD, Field("code", Box(300, 200, 80, 50), "comb", cells))
    page, found = locate_placed(page_of(Box(10, 300, 50, 50)), fields, True)
    assert found == fields
    assert not page.ink.any()

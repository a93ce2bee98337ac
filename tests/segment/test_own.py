"""A field has the strokes that leave its printed box, and none of those that reach in from elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.segment.lattice import propose
from docproc.segment.own import gather_own
from docproc.types import Box, CleanPage, Field, FieldKind, Ink, PageRef

BOX = Box(100, 100, 300, 90)
INSIDE = np.s_[BOX.y : BOX.bottom, BOX.x : BOX.right]


def page_of(ink: Ink) -> CleanPage:
    return CleanPage(PageRef("", "", 1), np.where(ink, 0, 255).astype(np.uint8), ink, ink, (), 300.0, np.eye(3))


def stroke(*ends: tuple[int, int]) -> Ink:
    picture = np.zeros((400, 600), np.uint8)
    cv2.line(picture, ends[0], ends[1], 1, 6)
    return np.asarray(picture > 0)


@pytest.mark.parametrize("kind", ["box", "comb", "cell"])
@pytest.mark.parametrize("ends", [((200, 130), (180, 220)), ((200, 70), (230, 170)), ((360, 120), (420, 170))])
def test_stroke_that_leaves_its_box_is_kept_whole(kind: FieldKind, ends: tuple[tuple[int, int], ...]) -> None:
    ink = stroke(*ends)
    field, own = gather_own(page_of(ink), Field("1", BOX, kind))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert own.sum() == ink.sum()
    assert (field.box.x, field.box.right) == (min(BOX.x, columns[0]), max(BOX.right, columns[-1] + 1))
    assert (field.box.y, field.box.bottom) == (min(BOX.y, rows[0]), max(BOX.bottom, rows[-1] + 1))


def test_segments_of_a_comb_hold_a_digit_that_crosses_its_side() -> None:
    ink = stroke((130, 130), (130, 220)) | stroke((350, 110), (350, 170))
    cells = (Box(100, 100, 150, 90), Box(250, 100, 150, 90))
    lattice = propose(page_of(ink), Field("1", BOX, "comb", cells)).lattice
    assert lattice.field.box.bottom == 224
    assert [(segment.box.y, segment.box.bottom) for segment in lattice.segments] == [(127, 224), (107, 174)]


def test_stroke_of_the_row_above_that_reaches_in_is_left_out() -> None:
    ink = stroke((200, 50), (190, 120)) | stroke((300, 120), (300, 170))
    field, own = gather_own(page_of(ink), Field("1", BOX, "cell"))
    assert field.box == BOX
    assert own.sum() == ink[100:190, 250:].sum()


def test_stub_of_the_box_where_a_stroke_touches_it_is_cut_off() -> None:
    ink = stroke((200, 130), (200, 183))
    ink[184:193, 194:207] = True
    field, own = gather_own(page_of(ink), Field("1", BOX, "box"))
    assert field.box == BOX
    assert np.array_equal(own, ink[INSIDE])


def test_what_goes_on_for_ever_is_cut_at_the_box() -> None:
    ink = stroke((200, 0), (200, 399))
    field, own = gather_own(page_of(ink), Field("1", BOX, "box"))
    assert field.box == BOX
    assert np.array_equal(own, ink[INSIDE])


@pytest.mark.parametrize("kind", ["line", "strip", "place"])
def test_field_drawn_round_its_ink_stays_as_it_is(kind: FieldKind) -> None:
    ink = stroke((200, 130), (180, 220))
    field, own = gather_own(page_of(ink), Field("1", BOX, kind))
    assert field.box == BOX
    assert np.array_equal(own, ink[INSIDE])


def test_field_at_the_edge_of_the_page_keeps_what_is_there() -> None:
    box = Box(0, 0, 60, 40)
    ink = stroke((30, 0), (30, 399))
    field, own = gather_own(page_of(ink), Field("1", box, "box"))
    assert field.box == box
    assert np.array_equal(own, ink[:40, :60])


LEFT, RIGHT = Box(100, 100, 98, 90), Box(194, 100, 98, 90)
"""Two cells side by side."""


@pytest.mark.parametrize("kind", ["box", "cell"])
def test_digits_of_two_fields_that_run_together_are_cut_between_them_and_flagged(kind: FieldKind) -> None:
    """The flag of a 5 runs into the roof of the neighbour's 7."""
    ink = stroke((140, 115), (210, 115)) | stroke((140, 115), (140, 175)) | stroke((210, 115), (240, 115))
    ink |= stroke((240, 115), (225, 175))
    first, own = gather_own(page_of(ink), Field("1", LEFT, kind), [LEFT, RIGHT])
    second, other = gather_own(page_of(ink), Field("2", RIGHT, kind), [LEFT, RIGHT])
    assert (first.box, second.box) == (LEFT, RIGHT)
    assert np.array_equal(own, ink[100:190, 100:198])
    assert np.array_equal(other, ink[100:190, 194:292])
    assert "outside" in first.flags
    assert "outside" in second.flags


def test_digit_on_the_wall_between_two_cells_is_whole_in_the_one_that_has_more_of_it_and_both_are_flagged() -> None:
    ink = stroke((150, 120), (220, 170))
    first, own = gather_own(page_of(ink), Field("1", LEFT, "cell"), [LEFT, RIGHT])
    second, other = gather_own(page_of(ink), Field("2", RIGHT, "cell"), [LEFT, RIGHT])
    assert (own.sum(), other.sum()) == (ink.sum(), 0)
    assert first.flags == second.flags == ("outside",)


def test_digit_of_which_the_box_has_the_smaller_part_is_left_out_and_flagged() -> None:
    ink = stroke((150, 110), (150, 180)) | stroke((220, 170), (220, 225))
    field, own = gather_own(page_of(ink), Field("1", BOX, "box"), [BOX])
    assert own.sum() == ink[:, :200].sum()
    assert field.flags == ("outside",)


def test_digit_of_the_row_below_that_reaches_in_is_its_own_fields_and_no_doubt() -> None:
    below = Box(100, 190, 300, 90)
    ink = stroke((150, 110), (150, 180)) | stroke((220, 178), (220, 236))
    field, own = gather_own(page_of(ink), Field("1", BOX, "cell"), [BOX, below])
    assert own.sum() == ink[:, :200].sum()
    assert field.flags == ()


def test_all_ink_and_no_paper_is_cut_at_the_box() -> None:
    page = page_of(np.ones((200, 200), np.bool_))
    field, own = gather_own(page, Field("1", Box(50, 50, 60, 40), "box"))
    assert (field.box, own.all()) == (Box(50, 50, 60, 40), True)


def test_digit_that_the_scan_cuts_off_at_the_edge_of_the_page_is_whole() -> None:
    ink = stroke((200, 0), (200, 60))
    field, own = gather_own(page_of(ink), Field("1", Box(100, 20, 300, 90), "box"))
    assert own.sum() == ink.sum()
    assert (field.box.y, field.box.bottom, field.flags) == (0, 110, ())

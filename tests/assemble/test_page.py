"""A page's probabilities are handed to its fields in order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from docproc.assemble.page import assemble, draft
from docproc.options import Options, Recipe
from docproc.types import (
    NEUTRAL,
    NOT_A_DIGIT,
    Box,
    Failure,
    Field,
    Frames,
    Lattice,
    PageRef,
    PreparedPage,
    Segment,
)

REF = PageRef("form.png", "digest", 3)
RECIPE = Recipe(Options(), "digest", NEUTRAL)


def lattice_of(name: str, digits: int) -> Lattice:
    field = Field(name, Box(0, 0, 200, 40), "strip")
    return Lattice(field, digits + 1, tuple(Segment(i, i + 1, Box(30 * i, 0, 25, 40)) for i in range(digits)))


def page_of(*lattices: Lattice) -> PreparedPage:
    count = sum(len(lattice.segments) for lattice in lattices)
    strips = tuple(lattice.field.name.encode() for lattice in lattices)
    crops = np.zeros((count, 28, 28), np.uint8)
    lines = tuple(np.zeros((2, 32, 0), np.uint8) for _ in lattices)
    return PreparedPage(REF, lattices, crops, np.eye(3), lines, strips, ("repaired",), seconds=2.5)


def test_each_field_gets_its_own_rows() -> None:
    page = page_of(lattice_of("1", 2), lattice_of("2", 0), lattice_of("3", 3))
    probs = np.full((5, 11), 0.001, np.float32)
    probs[np.arange(5), [4, 7, 0, 0, 9]] = 0.99
    result = assemble(page, draft(page, probs), {}, RECIPE)
    assert [(r.field, r.status, r.text) for r in result.readings] == [
        ("1", "value", "47"),
        ("2", "blank", ""),
        ("3", "value", "009"),
    ]
    assert [r.strip for r in result.readings] == [b"1", b"2", b"3"]
    assert (result.ref, result.flags, result.failure, result.seconds) == (REF, ("repaired",), None, 2.5)


def spell(*digits: int) -> Frames:
    """Each digit in a column, nothing behind it; one chance in three that it is another."""
    frames = np.full((2 * len(digits), 13), 0.4 / 12, np.float32)
    frames[np.arange(2 * len(digits)), [sign for digit in digits for sign in (digit, NOT_A_DIGIT)]] = 0.6
    return frames


def test_second_reader_is_heard_on_the_fields_that_it_saw_and_on_no_other() -> None:
    page = replace(page_of(lattice_of("1", 2), lattice_of("2", 2), lattice_of("3", 2)), flags=())
    probs = np.full((6, 11), 0.001, np.float32)
    probs[np.arange(6), [4, 7] * 3] = 0.99
    result = assemble(page, draft(page, probs), {2: spell(4, 7), 1: spell(9, 9)}, RECIPE)
    assert [r.text for r in result.readings] == ["47", "47", "47"]
    assert ["disputed" in r.flags for r in result.readings] == [False, True, False]
    assert [r.review for r in result.readings] == [False, True, False]
    alone, disputed, agreed = (r.confidence for r in result.readings)
    assert disputed < alone < agreed


def test_text_is_the_likeliest_by_both_readers() -> None:
    page = page_of(lattice_of("1", 2))
    probs = np.full((2, 11), 0.001, np.float32)
    probs[0, 4], probs[1, [1, 7]] = 0.99, (0.5, 0.4)
    drafts = draft(page, probs)
    texts = [assemble(page, drafts, frames, RECIPE).readings[0].text for frames in ({}, {0: spell(4, 7)})]
    assert texts == ["41", "47"]


def test_page_without_fields_has_no_readings() -> None:
    page = page_of()
    assert assemble(page, draft(page, np.zeros((0, 11), np.float32)), {}, RECIPE).readings == ()


def test_failure_stands_for_the_readings() -> None:
    failed = PreparedPage(REF, (), np.zeros((0, 28, 28), np.uint8), np.eye(3), failure=Failure("damaged", "cut"))
    result = assemble(failed, draft(failed, np.zeros((0, 11), np.float32)), {}, RECIPE)
    assert result.readings == ()
    assert result.failure == Failure("damaged", "cut")


def test_too_few_rows_are_a_bug_and_not_a_reading() -> None:
    with pytest.raises((ValueError, IndexError)):
        draft(page_of(lattice_of("1", 2)), np.full((1, 11), 0.09, np.float32))

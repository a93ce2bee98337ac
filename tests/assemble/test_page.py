"""A page's probabilities are handed to its fields in order."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.assemble.page import assemble
from docproc.options import Options, Recipe
from docproc.types import NEUTRAL, Box, Failure, Field, Lattice, PageRef, PreparedPage, Segment

REF = PageRef("form.png", "digest", 3)
RECIPE = Recipe(Options(), "digest", NEUTRAL)


def lattice_of(name: str, digits: int) -> Lattice:
    field = Field(name, Box(0, 0, 200, 40), "strip")
    return Lattice(field, digits + 1, tuple(Segment(i, i + 1, Box(30 * i, 0, 25, 40)) for i in range(digits)))


def page_of(*lattices: Lattice) -> PreparedPage:
    count = sum(len(lattice.segments) for lattice in lattices)
    strips = tuple(lattice.field.name.encode() for lattice in lattices)
    crops = np.zeros((count, 28, 28), np.uint8)
    return PreparedPage(REF, lattices, crops, np.eye(2, 3), strips, ("repaired",), seconds=2.5)


def test_each_field_gets_its_own_rows() -> None:
    page = page_of(lattice_of("1", 2), lattice_of("2", 0), lattice_of("3", 3))
    probs = np.full((5, 11), 0.001, np.float32)
    probs[np.arange(5), [4, 7, 0, 0, 9]] = 0.99
    result = assemble(page, probs, RECIPE)
    assert [(r.field, r.status, r.text) for r in result.readings] == [
        ("1", "value", "47"),
        ("2", "blank", ""),
        ("3", "value", "009"),
    ]
    assert [r.strip for r in result.readings] == [b"1", b"2", b"3"]
    assert (result.ref, result.flags, result.failure, result.seconds) == (REF, ("repaired",), None, 2.5)


def test_page_without_fields_has_no_readings() -> None:
    assert assemble(page_of(), np.zeros((0, 11), np.float32), RECIPE).readings == ()


def test_failure_stands_for_the_readings() -> None:
    failed = PreparedPage(REF, (), np.zeros((0, 28, 28), np.uint8), np.eye(2, 3), failure=Failure("damaged", "cut"))
    result = assemble(failed, np.zeros((0, 11), np.float32), RECIPE)
    assert result.readings == ()
    assert result.failure == Failure("damaged", "cut")


def test_too_few_rows_are_a_bug_and_not_a_reading() -> None:
    with pytest.raises((ValueError, IndexError)):
        assemble(page_of(lattice_of("1", 2)), np.full((1, 11), 0.09, np.float32), RECIPE)

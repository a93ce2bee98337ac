"""Where the digits of a field stand, and what lies beside their row."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.assemble.decode import decode
from docproc.assemble.row import NO_ROW, measure_row
from docproc.types import NOT_A_DIGIT, Box, Field, Lattice, Probs, Segment

HIGH = 40


def sure(*digits: int) -> Probs:
    probs = np.full((len(digits), NOT_A_DIGIT + 1), 0.005, np.float32)
    probs[np.arange(len(digits)), digits] = 0.95
    return probs


def segments_of(*boxes: Box) -> tuple[Segment, ...]:
    return tuple(Segment(i, i + 1, box) for i, box in enumerate(boxes))


def test_row_follows_writing_that_climbs() -> None:
    boxes = tuple(Box(50 * i, 300 - 4 * i, 30, HIGH) for i in range(8))
    row = measure_row(segments_of(*boxes), sure(*range(8)))
    assert row.height == HIGH
    for box in boxes:
        assert row.sinks(box) == pytest.approx(0, abs=0.02)
        assert row.floats(box) == pytest.approx(0, abs=0.02)


def test_marks_do_not_move_the_row() -> None:
    digits = tuple(Box(50 * i, 100, 30, HIGH) for i in range(3))
    dot = Box(40, 132, 8, 8)
    row = measure_row(segments_of(*digits, dot), sure(1, 2, 3, NOT_A_DIGIT))
    assert (row.height, row.sinks(dot), row.floats(dot)) == (HIGH, pytest.approx(0.8), pytest.approx(0.0))


def test_no_segments_no_row() -> None:
    assert measure_row((), sure()) == NO_ROW


@pytest.mark.parametrize(("box", "text"), [(Box(100, 100, 12, HIGH), "41"), (Box(100, 130, 12, 22), "4")])
def test_a_comma_that_looks_like_a_one_is_known_by_its_place(box: Box, text: str) -> None:
    segments = segments_of(Box(0, 100, 30, HIGH), Box(50, 100, 30, HIGH), box)
    lattice = Lattice(Field("1", Box(0, 80, 200, 90), "strip"), 4, segments)
    probs = sure(4, 4, 1)
    probs[2, NOT_A_DIGIT] = 0.2
    texts = decode(lattice, probs, measure_row(segments, probs))
    assert texts[0].text == "4" + text

"""Where the digits of a field stand, and what lies beside their row."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.assemble.decode import decode
from docproc.assemble.row import NO_ROW, lean_beyond, measure_row
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


def leaning(*pieces: tuple[Box, float]) -> tuple[Segment, ...]:
    return tuple(Segment(i, i + 1, box, lean=lean) for i, (box, lean) in enumerate(pieces))


def test_a_stroke_leans_beyond_the_others_and_they_are_not_moved_by_it() -> None:
    boxes = [Box(50 * i, 100, 30, HIGH) for i in range(4)]
    segments = leaning(*zip(boxes, (0.1, 0.1, 0.5, 0.1), strict=True))
    probs = sure(2, 3, 1, 8)
    beyond = lean_beyond(segments, probs, measure_row(segments, probs))
    assert beyond[2] == pytest.approx(0.4)
    assert (beyond[[0, 1, 3]] < 0).all()


def test_slim_strokes_tell_how_writing_leans_and_marks_and_joined_pieces_do_not() -> None:
    slim, broad = Box(0, 100, 6, HIGH), Box(50, 100, 30, HIGH)
    mark, slash = Box(100, 132, 8, 8), Box(150, 100, 30, HIGH)
    segments = (*leaning((slim, 0.0), (broad, 0.3), (mark, 2.0), (slash, 0.5)), Segment(0, 2, Box(0, 100, 80, HIGH)))
    probs = sure(NOT_A_DIGIT, 5, NOT_A_DIGIT, 1, 8)
    beyond = lean_beyond(segments, probs, measure_row(segments, probs))
    # A broad digit counts by what it is, a slim stroke by its shape though it may be none.
    assert beyond[3] == pytest.approx(0.5 - 0.3 * (0.995**2 / 0.45) / (0.995**2 / 0.45 + 0.3 / 0.15), abs=0.01)


def test_a_lone_stroke_leans_beyond_nothing() -> None:
    segments = leaning((Box(0, 100, 12, HIGH), 0.5))
    assert lean_beyond(segments, sure(1), measure_row(segments, sure(1))).tolist() == [0.0]
    assert lean_beyond((), sure(), NO_ROW).shape == (0,)

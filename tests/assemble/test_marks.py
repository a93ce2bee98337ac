"""Whether a place to tick is marked."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.assemble.marks import EMPTY, MARKED, SURE, UNSURE, judge_mark
from docproc.errors import FLAGS
from docproc.types import Box, Field, Lattice, Reading, Rule


def judge(inked: float, required: bool = False) -> Reading:
    field = Field("sex", Box(10, 20, 30, 40), "place", rule=Rule("mark", required=required))
    return judge_mark(Lattice(field, 1, (), ("outside",), inked=inked), np.diag([0.5, 0.5, 1.0]), b"png")


@pytest.mark.parametrize("inked", [MARKED, 0.3, 1.0])
def test_a_marked_place_has_an_x(inked: float) -> None:
    reading = judge(inked)
    assert (reading.field, reading.status, reading.text, reading.confidence) == ("sex", "value", "x", SURE)
    assert (reading.flags, reading.box, reading.strip) == (("outside",), Box(5, 10, 15, 20), b"png")


@pytest.mark.parametrize("inked", [0.0, EMPTY])
def test_an_empty_place_is_blank(inked: float) -> None:
    reading = judge(inked)
    assert (reading.status, reading.text, reading.confidence, reading.flags) == ("blank", "", 0.0, ("outside",))
    assert judge(inked, required=True).flags == ("outside", "missing")


def test_what_is_neither_is_a_question() -> None:
    reading = judge((EMPTY + MARKED) / 2)
    assert (reading.status, reading.text, reading.confidence) == ("value", "x", UNSURE)
    assert reading.flags == ("outside", "unclear-mark")
    assert "unclear-mark" in FLAGS

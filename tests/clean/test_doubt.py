"""Fields at a streak or at a cut edge are in doubt; the others are not."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.clean.doubt import HARMFUL, doubt_fields
from docproc.clean.quality import Faults, Line
from docproc.clean.streaks import Streak
from docproc.errors import needs_review
from docproc.types import Box, Field, Homography

STRAIGHT = np.eye(3)
UPSIDE_DOWN = np.array([[-1.0, 0, 1000], [0, -1, 1400], [0, 0, 1]])
ON_ITS_SIDE = np.array([[0.0, -2, 2800], [2, 0, 0], [0, 0, 1]])
"""A page of 1000 x 1400 pixels to scans; the last is twice as fine."""


def flags_at(box: Box, faults: Faults, to_scan: Homography = STRAIGHT) -> tuple[str, ...]:
    (field,) = doubt_fields((Field("a", box, "box", flags=("outside",)),), faults, to_scan)
    assert field.flags[0] == "outside"
    return field.flags[1:]


@pytest.mark.parametrize(
    ("x", "expected"), [(400, ("streaked",)), (505, ("streaked",)), (610, ()), (205, ("streaked",)), (190, ())]
)
def test_streak_dooms_what_it_crosses_and_what_ends_beside_it(x: int, expected: tuple[str, ...]) -> None:
    faults = Faults(("streak=x=500",), (Streak("x", 500, 0.5),))
    assert flags_at(Box(x, 300, 200, 50), faults) == expected
    assert needs_review(expected) == bool(expected)


@pytest.mark.parametrize(("to_scan", "axis", "at"), [(UPSIDE_DOWN, "x", 500), (ON_ITS_SIDE, "y", 1000)])
def test_streak_is_sought_where_the_field_lies_on_the_scan(to_scan: Homography, axis: str, at: int) -> None:
    faults = Faults((), (Streak("x" if axis == "x" else "y", at, 0.5),))
    assert flags_at(Box(450, 300, 100, 30), faults, to_scan) == ("streaked",)
    assert flags_at(Box(700, 300, 100, 30), faults, to_scan) == ()


def test_faint_streak_changes_no_value() -> None:
    for depth, expected in ((HARMFUL - 0.01, ()), (HARMFUL, ("streaked",))):
        assert flags_at(Box(450, 300, 100, 30), Faults((), (Streak("x", 500, depth),))) == expected


def test_field_at_a_cut_edge_is_in_doubt_and_one_at_another_edge_is_not() -> None:
    faults = Faults(("clipped-edge=right",), (), (Line("x", 1000),))
    assert flags_at(Box(800, 300, 180, 40), faults) == ("cut-off",)
    assert flags_at(Box(0, 300, 180, 40), faults) == ()
    assert needs_review(("cut-off",))
    assert not needs_review(faults.flags)


def test_good_scan_leaves_the_fields_alone() -> None:
    fields = (Field("a", Box(1, 2, 3, 4), "box"),)
    assert doubt_fields(fields, Faults(), STRAIGHT) is fields

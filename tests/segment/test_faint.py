"""A field whose writing is too faint to be ink is not taken for blank."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.page import clean
from docproc.segment.lattice import propose
from docproc.types import Box, Field, Page, PageRef

BOX = Box(60, 60, 400, 100)


def flags_of(level: int, height: int) -> tuple[str, ...]:
    """Flags of a boxed field that holds one stroke of a grey level and a height on noisy paper."""
    rng = np.random.default_rng(3)
    gray = np.full((220, 520), 250, np.uint8)
    cv2.rectangle(gray, (BOX.x, BOX.y), (BOX.right, BOX.bottom), 60, 3)
    cv2.line(gray, (200, 110 - height // 2), (206, 110 + height // 2), level, 5)
    noisy = np.clip(gray + rng.normal(0, 2, gray.shape), 0, 255).astype(np.uint8)
    page = clean(Page(PageRef("p", "", 1), noisy, 300.0), strips=False)
    proposal = propose(page, Field("1", BOX, "box"))
    assert proposal.lattice.nodes == 1
    return proposal.lattice.flags


@pytest.mark.parametrize("level", [225, 232])
def test_a_faint_stroke_as_tall_as_a_digit_is_flagged(level: int) -> None:
    assert flags_of(level, 60) == ("faint",)


def test_paper_specks_and_the_box_itself_are_not() -> None:
    assert flags_of(250, 60) == ()
    assert flags_of(220, 10) == ()

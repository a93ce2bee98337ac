"""A strip that shows one box is read inside it, and what stands outside is not passed over."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from docproc.clean.page import clean
from docproc.fields.strip import has_ink_outside, locate_strip
from docproc.types import Page, PageRef


@pytest.mark.parametrize(("mark", "outside"), [(None, False), ("kg", True), ("7", True)])
def test_box_of_a_strip(mark: str | None, outside: bool) -> None:
    gray = np.full((96, 420), 250, np.uint8)
    cv2.rectangle(gray, (20, 8), (250, 88), 20, 3)
    cv2.putText(gray, "31", (90, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 4)
    if mark:
        cv2.putText(gray, mark, (300, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 4)
    page = clean(Page(PageRef("s", "", 1), gray, 300.0), strips=True)
    field = locate_strip(page)
    assert field.box == pytest.approx((20, 8, 230, 80), abs=8)
    assert has_ink_outside(page, field.box) is outside


@pytest.mark.parametrize(("beyond", "in_box"), [(0, True), (24, True), (60, False)])
def test_a_side_that_runs_on_for_another_cell_makes_the_picture_more_than_a_box(beyond: int, in_box: bool) -> None:
    gray = np.full((96, 330), 250, np.uint8)
    cv2.rectangle(gray, (20, 8), (250, 88), 20, 3)
    cv2.line(gray, (20, 8), (250 + beyond, 8), 20, 3)
    cv2.putText(gray, "31", (90, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.7, 30, 4)
    field = locate_strip(clean(Page(PageRef("s", "", 1), gray, 300.0), strips=True))
    assert (field.box.right < 300) is in_box

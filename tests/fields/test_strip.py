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

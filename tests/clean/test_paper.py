"""The desk around a photographed sheet, where there is one."""

from __future__ import annotations

import numpy as np

from docproc.clean.paper import is_desk


def test_a_sheet_that_fills_the_picture_has_no_desk() -> None:
    light = np.full((60, 80), 200, np.uint8)
    assert not is_desk(light, np.ones(light.shape, np.bool_))


def test_a_dark_border_round_the_sheet_is_a_desk() -> None:
    inside = np.zeros((60, 80), np.bool_)
    inside[8:-8, 8:-8] = True
    light = np.where(inside, 220, 40).astype(np.uint8)
    assert is_desk(light, inside)
    assert not is_desk(np.full_like(light, 200), inside)

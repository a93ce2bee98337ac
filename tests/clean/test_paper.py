"""The desk around a photographed sheet, where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from docproc.clean.paper import is_desk, whiten_desk
from docproc.types import Gray


def test_a_sheet_that_fills_the_picture_has_no_desk() -> None:
    light = np.full((60, 80), 200, np.uint8)
    assert not is_desk(light, np.ones(light.shape, np.bool_))


def test_a_dark_border_round_the_sheet_is_a_desk() -> None:
    inside = np.zeros((60, 80), np.bool_)
    inside[8:-8, 8:-8] = True
    light = np.where(inside, 220, 40).astype(np.uint8)
    assert is_desk(light, inside)
    assert not is_desk(np.full_like(light, 200), inside)


def ruled_page() -> Gray:
    """A page of ruled lines, 1000 by 750, all of it paper."""
    page = np.full((1000, 750), 230, np.uint8)
    page[60:960:60, 60:690] = 40
    page[60:950, 60:690:90] = 40
    return page


@pytest.mark.parametrize("edge", [240, 275, 300, 500])
def test_a_shadow_over_part_of_a_page_is_no_desk(edge: int) -> None:
    page = ruled_page()
    page[:, :edge] //= 3
    assert np.array_equal(whiten_desk(page), page)


def test_a_desk_around_a_page_is_painted_white() -> None:
    page = ruled_page()
    desk = np.full((1300, 1100), 60, np.uint8)
    desk[150:1150, 200:950] = page
    # A pen and a ruler lie over the edges of the page: four lines run on there, but not far from each other.
    desk[600:606, 850:1100] = 110
    desk[80:300, 400:440] = 110
    white = whiten_desk(desk)
    assert (white[:130] == 255).all()
    assert (white[:, :180] == 255).all()
    assert np.array_equal(white[300:1120, 230:840], desk[300:1120, 230:840])

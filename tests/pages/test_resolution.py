from __future__ import annotations

import math

import pytest

from docproc.pages.resolution import find_dpi


@pytest.mark.parametrize(
    ("claim", "size"),
    [((300, 300), (2480, 3508)), ((96, 96), (850, 1100)), ((75, 75), (620, 877)), ((204, 196), (1728, 2292))],
)
def test_sane_claim_is_believed(claim: tuple[float, float], size: tuple[int, int]) -> None:
    dpi, estimated = find_dpi(claim, *size)
    assert not estimated
    assert dpi == pytest.approx(math.sqrt(claim[0] * claim[1]))


@pytest.mark.parametrize(
    "claim",
    [
        None,
        (0, 0),
        (1, 1),
        (72, 72),
        (96, 96),
        (5000, 5000),
        (math.nan, 300),
        (math.inf, math.inf),
        (300, 72),
        (-1, -1),
    ],
)
def test_absurd_claim_is_replaced_by_the_size_of_paper(claim: tuple[float, float] | None) -> None:
    assert find_dpi(claim, 2480, 3508) == (300, True)
    assert find_dpi(claim, 2200, 1700) == (200, True)


def test_page_that_would_be_smaller_than_a_card_is_not_believed() -> None:
    dpi, estimated = find_dpi((2400, 2400), 4000, 2864)
    assert estimated
    assert 300 < dpi < 400


def test_strip_is_measured_by_its_height() -> None:
    assert find_dpi((72, 72), 900, 60, strip=True) == (pytest.approx(150), True)
    assert find_dpi((300, 300), 900, 60, strip=True) == (300, False)


def test_estimate_stays_in_bounds() -> None:
    assert find_dpi(None, 10, 10) == (72, True)
    assert find_dpi(None, 30000, 30000) == (1200, True)

"""What predicts an error, and what it weighs."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.assemble.confidence import CLEAR, FARTHEST, describe, least_confidence, weigh
from docproc.assemble.decode import Step, Text
from docproc.assemble.second import Check
from docproc.types import CHECKED_EVIDENCE, EVIDENCE, NEUTRAL, Box, Field, Homography, Lattice, Scale, Segment

HERE: Homography = np.eye(3)
TALL = 40.0


def facts(
    *digits: tuple[int | None, float],
    posterior: float = 0.9,
    height: float = TALL,
    to_scan: Homography = HERE,
    cut: tuple[int, ...] = (),
    darkness: float = 1.0,
    check: Check | None = None,
) -> dict[str, float]:
    """The evidence for a text of these digits and their chances."""
    segments = [Segment(i, i + 1, Box(30 * i, 0, 25, 40), i in cut) for i in range(len(digits))]
    steps = tuple(Step(segment, *digit) for segment, digit in zip(segments, digits, strict=True))
    text = Text("".join(str(digit) for digit, _ in digits if digit is not None), posterior, steps)
    lattice = Lattice(Field("1", Box(0, 0, 300, 40), "strip"), len(digits) + 1, tuple(segments), (), darkness)
    names = EVIDENCE if check is None else CHECKED_EVIDENCE
    return dict(zip(names, describe(text, lattice, height, to_scan, check).tolist(), strict=True))


def logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def test_evidence_is_what_it_says() -> None:
    found = facts((4, 0.9), (None, 0.5), (7, 0.8), posterior=0.7, darkness=0.6)
    assert found["posterior"] == pytest.approx(logit(0.7))
    assert found["least"] == pytest.approx(logit(0.8))
    assert found["mean"] == pytest.approx((logit(0.9) + logit(0.8)) / 2)
    assert found["skipped"] == pytest.approx(math.log(0.5))
    assert found["length"] == pytest.approx(math.log(2))
    assert found["faint"] == pytest.approx(0.4)
    assert (found["touching"], found["small"]) == (0, 0)


def test_second_reader_adds_how_sure_it_is_and_how_clear_both_are() -> None:
    agreed = facts((4, 0.9), (7, 0.8), check=Check("47", 2.5, 0.7))
    assert (agreed["lead"], agreed["clear"]) == (2.5, 0)
    assert agreed["wavering"] == pytest.approx(math.log(0.3))
    assert agreed["least"] == facts((4, 0.9), (7, 0.8))["least"]
    assert facts((4, 0.9), (7, 0.8), check=Check("41", -0.1))["lead"] == -0.1
    clear = facts((4, 0.9), posterior=0.999, check=Check("4", 2.5))
    assert clear["clear"] == pytest.approx(logit(0.999) - CLEAR)
    assert facts((4, 0.9), check=Check("4", math.inf))["lead"] == FARTHEST
    assert facts((4, 0.9), check=Check("7", -math.inf))["lead"] == -FARTHEST


def test_only_cuts_through_digits_count() -> None:
    assert facts((4, 0.9), (None, 0.9), cut=(0,))["touching"] == 1
    assert facts((4, 0.9), (None, 0.9), cut=(1,))["touching"] == 0


def test_smallness_is_that_of_the_stored_page() -> None:
    enlarged = np.diag([0.25, 0.25, 1.0])
    assert facts((4, 0.9), to_scan=enlarged)["small"] == pytest.approx(math.log(4))
    assert facts((4, 0.9), height=4 * TALL, to_scan=enlarged)["small"] == pytest.approx(0)
    assert facts((4, 0.9), height=9 * TALL)["small"] == 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_impossible_chances_give_finite_evidence(chance: float, posterior: float) -> None:
    assert all(math.isfinite(value) for value in facts((4, chance), (None, chance), posterior=posterior).values())


def test_weights_and_offset_make_a_chance() -> None:
    scale = Scale(tuple(float(i) for i in range(len(EVIDENCE))), -2.0)
    evidence = np.linspace(-0.1, 0.2, len(EVIDENCE))
    logits = sum(i * value for i, value in enumerate(evidence.tolist())) - 2
    assert weigh(evidence, scale) == pytest.approx(1 / (1 + math.exp(-logits)))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.01, 5), st.floats(-5, 5))
def test_confidence_keeps_order_and_stays_a_chance(a: float, b: float, weight: float, offset: float) -> None:
    scale = Scale((weight, *NEUTRAL.alone.weights[1:]), offset)
    rest = [0.0] * (len(EVIDENCE) - 1)
    low, high = (weigh(np.array([value, *rest]), scale) for value in sorted((a, b)))
    assert 0 <= low <= high <= 1


def test_a_threshold_that_was_found_accepts_more_than_the_error_itself() -> None:
    found = replace(NEUTRAL.alone, thresholds=((0.01, 0.95), (0.05, 0.8)))
    assert least_confidence(0.005, found) == pytest.approx(0.995)
    assert least_confidence(0.01, found) == 0.95
    assert least_confidence(0.2, found) == pytest.approx(0.8)
    assert least_confidence(0.5, found) == pytest.approx(0.5)


def test_smallness_of_a_tilted_page_is_that_where_the_field_lies() -> None:
    # The field's middle is at (150, 20); there this map enlarges nothing, though it halves everything at (0, 0).
    tilted = np.array([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 1.0]])
    middle = np.array([150.0, 20.0])
    tilted[2, :2] = (0.5**0.667 - 1) / (middle @ middle) * middle
    edge = 1e-4
    corners = np.array([[[150, 20], [150 + edge, 20], [150, 20 + edge]]], np.float64)
    (x, y), (right, _), (_, bottom) = cv2.perspectiveTransform(corners, tilted)[0]
    scale = math.sqrt(abs((right - x) * (bottom - y))) / edge
    assert facts((4, 0.9), height=TALL / 8, to_scan=tilted)["small"] == pytest.approx(math.log(8 / scale), abs=0.05)

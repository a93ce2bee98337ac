"""Definitions held against simple cases and against what must always hold."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.train.metrics import (
    bound_error,
    calibration_error,
    chance_calibration_error,
    chance_of_at_most,
    count_edits,
    count_silent_errors,
    digit_accuracy,
    field_accuracy,
    share_at_error,
    sort_into_bins,
    trace_curve,
)

digits = st.text("0123", max_size=7)
answers = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9, 0.97, 1.0]), st.booleans()), max_size=60)
relaxed = settings(deadline=None, max_examples=60)


def split(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([c for c, _ in pairs], np.float64), np.array([r for _, r in pairs], np.bool_)


@pytest.mark.parametrize(
    ("truth", "read", "edits"),
    [
        ("", "", 0),
        ("123", "123", 0),
        ("123", "", 3),
        ("", "45", 2),
        ("1234", "1243", 2),
        ("70", "7", 1),
        ("19", "91", 2),
    ],
)
def test_edits(truth: str, read: str, edits: int) -> None:
    assert count_edits(truth, read) == edits


@relaxed
@given(digits, digits, digits)
def test_edits_are_a_distance(a: str, b: str, c: str) -> None:
    assert count_edits(a, b) == count_edits(b, a)
    assert (count_edits(a, b) == 0) == (a == b)
    assert count_edits(a, c) <= count_edits(a, b) + count_edits(b, c)
    assert abs(len(a) - len(b)) <= count_edits(a, b) <= max(len(a), len(b))


def test_digit_accuracy_aligns_before_it_compares() -> None:
    # A lost first digit costs one digit, not the whole field.
    assert digit_accuracy([("1234", "234"), ("567", "567")]) == pytest.approx(6 / 7)
    assert digit_accuracy([("12", "")]) == 0
    assert digit_accuracy([("1", "999")]) == -2
    assert digit_accuracy([("", "5")]) is None


def test_field_accuracy_and_silent_errors() -> None:
    assert field_accuracy([True, True, False, True]) == 0.75
    assert field_accuracy([]) is None
    assert count_silent_errors([True, True, False, False], [True, False, False, True]) == 1


def test_bound_of_no_error_is_about_three_in_n() -> None:
    assert bound_error(0, 299) == pytest.approx(0.01, rel=0.01)
    assert bound_error(0, 2995) == pytest.approx(0.001, rel=0.01)
    assert bound_error(0, 0) == 1
    assert bound_error(4, 4) == 1
    with pytest.raises(ValueError, match="3 errors in 2 trials"):
        bound_error(3, 2)


@relaxed
@given(st.integers(0, 20), st.integers(1, 200))
def test_bound_lies_above_the_rate_and_grows_with_errors(errors: int, more: int) -> None:
    trials = errors + more
    bound = bound_error(errors, trials)
    assert errors / trials < bound <= 1
    assert bound_error(errors + 1, trials) > bound
    assert chance_of_at_most(errors, trials, bound) == pytest.approx(0.05, abs=1e-6)


def test_binomial_chances() -> None:
    exact = sum(math.comb(10, k) * 0.3**k * 0.7 ** (10 - k) for k in range(4))
    assert chance_of_at_most(3, 10, 0.3) == pytest.approx(exact)
    assert chance_of_at_most(3, 10, 0.0) == 1
    assert chance_of_at_most(3, 10, 1.0) == 0


def test_curve_counts_fields_without_an_answer_as_rejected() -> None:
    confidence, right = split([(0.9, True), (0.99, True), (0.5, False), (0.9, False)])
    curve = trace_curve(confidence, right, fields=8)
    assert [(p.threshold, p.accepted, p.wrong) for p in curve] == [(0.99, 1, 0), (0.9, 3, 1), (0.5, 4, 2)]
    assert [p.share for p in curve] == [1 / 8, 3 / 8, 1 / 2]
    assert share_at_error(curve, 0.0) == 1 / 8
    assert share_at_error(curve, 1 / 3) == 3 / 8
    assert share_at_error((), 0.01) == 0


@relaxed
@given(answers, st.integers(0, 5), st.randoms())
def test_curve_always_holds(pairs: list[tuple[float, bool]], unanswered: int, shuffler: random.Random) -> None:
    confidence, right = split(pairs)
    curve = trace_curve(confidence, right, len(pairs) + unanswered)
    assert [p.threshold for p in curve] == sorted({c for c, _ in pairs}, reverse=True)
    for point in curve:
        taken = [r for c, r in pairs if c >= point.threshold]
        assert (point.accepted, point.wrong) == (len(taken), taken.count(False))
        assert point.error == pytest.approx(point.wrong / point.accepted)
    shares = [share_at_error(curve, error) for error in (0.0, 0.001, 0.01, 0.1, 1.0)]
    assert shares == sorted(shares)
    shuffler.shuffle(pairs)
    assert trace_curve(*split(pairs), len(pairs) + unanswered) == curve


@relaxed
@given(answers, st.integers(1, 20), st.randoms())
def test_bins_hold_equal_mass_whatever_the_order(
    pairs: list[tuple[float, bool]], bins: int, shuffler: random.Random
) -> None:
    parts = sort_into_bins(*split(pairs), bins)
    counts = [part.size for part in parts]
    assert sum(counts) == len(pairs)
    assert len(parts) == min(bins, len(pairs))
    assert not counts or max(counts) - min(counts) <= 1
    error = calibration_error(parts)
    assert (error is None) == (not pairs)
    assert error is None or 0 <= error <= 1
    assert sum(p.size * p.accuracy for p in parts) == pytest.approx(sum(r for _, r in pairs))
    shuffler.shuffle(pairs)
    again = sort_into_bins(*split(pairs), bins)
    assert [p.accuracy for p in again] == pytest.approx([p.accuracy for p in parts])


def test_chance_makes_a_calibration_error_that_shrinks_with_the_number_of_answers() -> None:
    # One bin of n answers of chance p: the mean distance of a binomial share from p, here for n = 2 by hand.
    assert chance_calibration_error(np.full(2, 0.5), bins=1) == pytest.approx(0.25, abs=0.03)
    assert chance_calibration_error(np.array([0.0, 1.0, 1.0])) == 0
    assert chance_calibration_error(np.zeros(0)) is None
    stated = np.random.default_rng(1).uniform(0.5, 1, 1500)
    few, many = (chance_calibration_error(np.tile(stated, times)) for times in (1, 16))
    assert few is not None
    assert many == pytest.approx(few / 4, rel=0.15)
    # It is about what answers drawn by their chances show, and less than those of a boastful reader do.
    drawn = np.random.default_rng(2).random(1500) < stated
    assert calibration_error(sort_into_bins(stated, drawn)) == pytest.approx(few, rel=0.4)


def test_calibration_error_of_known_readers() -> None:
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 1, 40_000)
    honest = rng.random(40_000) < stated
    assert calibration_error(sort_into_bins(stated, honest)) == pytest.approx(0, abs=0.01)
    boastful = np.full(1000, 0.95)
    assert calibration_error(sort_into_bins(boastful, np.arange(1000) % 4 > 0)) == pytest.approx(0.20)


def test_answers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        trace_curve(np.array([1.2]), np.array([True]), 1)
    with pytest.raises(ValueError, match="differ in shape"):
        sort_into_bins(np.array([0.2, 0.3]), np.array([True]))
    with pytest.raises(ValueError, match="2 answers for 1 fields"):
        trace_curve(np.array([0.2, 0.3]), np.array([True, True]), 1)

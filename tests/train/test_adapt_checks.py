"""What speaks against people's word, and against a challenger."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from docproc.train.adapt_checks import Heard, doubt_challenger, doubt_word, find_lacks, is_too_often, weigh_word
from docproc.train.adapt_compare import Figure, Misread, Tally, go_as_far, hold_against
from docproc.train.adapt_strips import LaidDigit

SAME = Figure("MNIST digits", 100, 5, 5, 1.0)
WORSE = Figure("MNIST digits", 100, 5, 15, 0.001)
BEFORE = Tally(fields=100, flagged=40, looked=50, wrong=10, silent=1, calibration=0.02)


def hear(said: str, seen: str, spoken: str | None = None, chance: float = 0.999) -> Heard:
    laid = tuple(LaidDigit(int(a), int(b), chance) for a, b in zip(said, seen, strict=True))
    return Heard(laid, seen if spoken is None else spoken)


def test_digits_count_where_both_readers_are_sure() -> None:
    heard = [
        hear("77", "17"),
        hear("7", "1", chance=0.9),
        hear("7", "1", spoken="7"),
        hear("7", "1", spoken="11"),
    ]
    trust = weigh_word(4, 5, heard)
    assert (trust.values, trust.fitting, trust.digits) == (5, 4, 5)
    assert (trust.sure, trust.against) == (2, 1)
    assert [(d.seen, d.said, d.times, d.total) for d in trust.doubts] == [(1, 7, 1, 1)]


def test_typos_of_tired_people_are_borne() -> None:
    trust = weigh_word(40, 400, [hear("123", "123")] * 392 + [hear("193", "123")] * 8)
    assert (trust.sure, trust.against) == (1200, 8)
    assert doubt_word(trust) == []


@pytest.mark.parametrize("wrong", [60, 400])
def test_one_digit_keyed_as_another_is_named(wrong: int) -> None:
    heard = [hear("720", "120")] * wrong + [hear("120", "120")] * (400 - wrong)
    reasons = doubt_word(weigh_word(40, 400, heard))
    if wrong == 60:
        # A part of one digit, far below all typos together.
        assert doubt_word(weigh_word(40, 4000, [*heard, *[hear("3456", "3456")] * 3600])) == [reasons[0]]
    assert reasons[0] == (f"of 400 digits that both readers are sure to be 1, {wrong} are said to be others, mostly 7")


def test_typos_spread_over_all_digits_are_noticed_together() -> None:
    heard = [hear(f"{(digit + 1) % 10}", f"{digit}") for digit in range(10) for _ in range(5)]
    heard += [hear(f"{digit}", f"{digit}") for digit in range(10) for _ in range(95)]
    assert doubt_word(weigh_word(40, 1000, heard)) == [
        "50 of 1000 digits that both readers are sure of are said to be others"
    ]


def test_values_that_do_not_fit_the_ink_are_a_reason_and_not_a_lack() -> None:
    trust = weigh_word(40, 400, [hear("12", "12")] * 40)
    assert doubt_word(trust) == ["only 40 of 400 values fit the ink that they are said of"]
    assert find_lacks(trust) == ""


def test_what_is_lacking_is_said() -> None:
    assert find_lacks(weigh_word(9, 90, [hear("123", "123")] * 90)).startswith("people gave values on 9 pages and 10")
    assert find_lacks(weigh_word(10, 33, [hear("123", "123")] * 33)).startswith(
        "99 digits of values fit the ink and 100"
    )
    assert find_lacks(weigh_word(10, 34, [hear("123", "123")] * 34)) == ""


def test_often_is_what_chance_hardly_makes() -> None:
    assert not is_too_often(0, 0, 0.02)
    assert not is_too_often(1, 1, 0.05)
    # 1 - P(at most 3 of 100 at 1 %) is 1.8 %, 1 - P(at most 5) is 0.05 %.
    assert not is_too_often(4, 100, 0.01)
    assert is_too_often(6, 100, 0.01)


def test_a_challenger_that_is_better_in_something_passes() -> None:
    for better in ({"flagged": 39}, {"wrong": 9}, {"silent": 0}):
        assert doubt_challenger(BEFORE, BEFORE._replace(**better), [SAME]) == []


@pytest.mark.parametrize(
    ("after", "figure", "reason"),
    [
        (BEFORE, SAME, "no better"),
        (BEFORE._replace(calibration=0.0), SAME, "no better"),
        (BEFORE._replace(flagged=20, wrong=11), SAME, "reads 11 held-out values otherwise than people do, now 10"),
        (BEFORE._replace(flagged=20, silent=2), SAME, "2 wrong held-out values would not be flagged, now 1"),
        (BEFORE._replace(flagged=20), WORSE, "MNIST digits: 15 of 100 wrong, now 5"),
    ],
)
def test_a_challenger_that_is_worse_anywhere_is_refused(after: Tally, figure: Figure, reason: str) -> None:
    (told,) = doubt_challenger(BEFORE, after, [SAME, figure])
    assert reason in told


def test_noise_is_told_from_harm_by_the_examples_that_differ() -> None:
    right, wrong = np.zeros(100, np.bool_), np.ones(5, np.bool_)
    spoilt = right.copy()
    spoilt[:5] = wrong
    figure = hold_against("digits", right, spoilt)
    assert figure == Figure("digits", 100, 0, 5, pytest.approx(1 / 32))
    assert figure.is_worse
    assert not hold_against("digits", right, spoilt & (np.arange(100) < 4)).is_worse
    assert hold_against("digits", spoilt, right).chance == 1.0
    assert hold_against("digits", spoilt, spoilt).chance == 1.0


def make_net(value: float) -> nn.Module:
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, value)
    return net


def spoil(net: nn.Module) -> tuple[Misread, ...]:
    """Ten examples of a hundred spoilt for each unit of the weight."""
    weight = float(next(net.parameters()).detach())
    return (Misread("digits", np.arange(100) < round(10 * weight)),)


@pytest.mark.parametrize(
    ("learned", "share"), [(0.0, 1.0), (0.4, 1.0), (0.5, 0.75), (0.8, 0.5), (1.6, 0.25), (10.0, 0.0)]
)
def test_a_reader_goes_as_far_as_nothing_is_forgotten(learned: float, share: float) -> None:
    went = go_as_far(make_net(0.0), make_net(learned), spoil)
    assert went.share == share
    assert float(next(went.net.parameters()).detach()) == pytest.approx(share * learned)
    assert went.figures[0].after == round(10 * share * learned)
    assert not went.figures[0].is_worse

"""Sums against all assignments written out, and what they change, vouch for and flag."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.assemble import joint as joining
from docproc.assemble.agree import BLANK_IS_ZERO, agree
from docproc.assemble.joint import WRONG_SUM, Candidate, Component, weigh_together
from docproc.types import Box, Digit, Reading, Status, Sum

HERE = Box(0, 0, 10, 10)
SUM = Sum(("a", "b"), "total")
CHAIN = (Sum(("a", "b"), "c"), Sum(("c", "d"), "total"))


def read(name: str, text: str, confidence: float = 0.99, status: Status = "value", **others: float) -> Reading:
    """A reading with alternatives named like n12 for 12."""
    digits = tuple(Digit(sign, confidence, HERE) for sign in text if sign.isdigit())
    listed = tuple((other[1:].replace("_", "."), share) for other, share in others.items())
    return Reading(name, status, text, confidence, False, (), HERE, digits, listed)


def blank(name: str) -> Reading:
    return Reading(name, "blank", "", 0.0, False, (), HERE)


def unreadable(name: str) -> Reading:
    return Reading(name, "unreadable", "", 0.0, True, ("illegible",), HERE, (), (("5", 0.4),))


def by_name(*readings: Reading, sums: tuple[Sum, ...] = (SUM,)) -> dict[str, Reading]:
    return {reading.field: reading for reading in agree(readings, sums)}


def candidates_of(rng: np.random.Generator, numbers: int, most: int) -> tuple[Candidate, ...]:
    shares = rng.dirichlet(np.full(numbers + 1, 0.5))
    units = rng.integers(0, most, numbers)
    return (
        *(Candidate(str(u), int(u), float(p)) for u, p in zip(units, shares, strict=False)),
        Candidate(None, None, float(shares[-1])),
    )


def weigh_all(component: Component) -> tuple[dict[tuple[int, ...], float], dict[str, list[float]]]:
    """The weight of each assignment, and the chances of each field's candidates, by writing all out."""
    names = list(component.fields)
    weights: dict[tuple[int, ...], float] = {}
    for numbers in product(*(range(len(found)) for found in component.fields.values())):
        held = {name: component.fields[name][number] for name, number in zip(names, numbers, strict=True)}
        weight = float(np.prod([candidate.chance for candidate in held.values()]))
        for sum_ in component.sums:
            members = [held[name].units for name in (*sum_.parts, sum_.whole)]
            met = None not in members and sum(u or 0 for u in members[:-1]) == members[-1]
            weight *= 1 if met else WRONG_SUM
        weights[numbers] = weight
    total = sum(weights.values())
    chances = {
        name: [sum(w for n, w in weights.items() if n[i] == c) / total for c in range(len(component.fields[name]))]
        for i, name in enumerate(names)
    }
    return weights, chances


@pytest.mark.parametrize(
    "sums",
    [
        (SUM,),
        CHAIN,
        (Sum(("a",), "total"),),
        (Sum(("a", "b"), "e"), Sum(("c", "d"), "f"), Sum(("a", "c"), "g"), Sum(("b", "d"), "h")),
        (Sum(("a", "b"), "c"), Sum(("b", "a"), "d")),
    ],
)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), numbers=st.integers(1, 2), most=st.integers(2, 9))
def test_the_joint_is_that_of_all_assignments(sums: tuple[Sum, ...], seed: int, numbers: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    names = dict.fromkeys(name for sum_ in sums for name in (*sum_.parts, sum_.whole))
    component = Component({name: candidates_of(rng, numbers, most) for name in names}, sums, 0)
    weights, chances = weigh_all(component)
    verdict = weigh_together(component)
    assert weights[tuple(verdict.chosen.values())] == pytest.approx(max(weights.values()))
    for name in names:
        assert verdict.chances[name] == pytest.approx(chances[name])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), states=st.integers(1, 8))
def test_chances_sum_to_one_whatever_is_pruned(seed: int, states: int) -> None:
    rng = np.random.default_rng(seed)
    sums = (Sum(("a", "b"), "c"), Sum(("c", "b"), "total"))
    component = Component({name: candidates_of(rng, 3, 6) for name in ("a", "b", "c", "total")}, sums, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "STATES", states)
        pruned = weigh_together(component)
    for found in pruned.chances.values():
        assert sum(found) == pytest.approx(1)


def test_a_sum_that_is_met_vouches_for_its_fields() -> None:
    found = by_name(read("a", "5", 0.9, n6=0.1), read("b", "7", 0.9, n1=0.1), read("total", "12", 0.8, n17=0.1))
    assert [reading.text for reading in found.values()] == ["5", "7", "12"]
    assert all(reading.confidence > 0.97 for reading in found.values())
    assert all(reading.flags == () and reading.digits for reading in found.values())


def test_a_sum_turns_to_the_second_text_of_the_least_sure_field() -> None:
    found = by_name(read("a", "5", 0.99), read("b", "1", 0.6, n7=0.4), read("total", "12", 0.99))
    changed = found["b"]
    assert (changed.text, changed.flags, changed.digits) == ("7", ("changed-by-rule=1",), ())
    assert changed.alternatives[0] == ("1", pytest.approx(0.6))
    assert 0.9 < changed.confidence < 0.95
    assert found["a"].flags == ()


def test_of_several_ways_to_meet_a_sum_the_likeliest_is_taken() -> None:
    found = by_name(read("a", "5", 0.9, n11=0.02), read("b", "1", 0.6, n7=0.4), read("total", "12", 0.95, n6=0.05))
    assert [reading.text for reading in found.values()] == ["5", "7", "12"]


def test_a_change_that_is_itself_doubtful_is_not_made() -> None:
    found = by_name(read("a", "5", 0.6, n6=0.4), read("b", "1", 0.6, n2=0.4), read("total", "7", 0.99))
    assert [reading.text for reading in found.values()] == ["5", "1", "7"]
    assert all(reading.flags[0].startswith("sum-unmet=") for reading in found.values())


def test_ink_that_excludes_the_needed_value_is_not_overruled() -> None:
    readings = (read("a", "5", 0.99), read("b", "1", 0.95, n7=1e-6), read("total", "12", 0.99))
    found = by_name(*readings)
    assert [reading.text for reading in found.values()] == ["5", "1", "12"]
    assert {reading.flags for reading in found.values()} == {("sum-unmet=b:7",)}
    assert [reading.confidence for reading in found.values()] == [reading.confidence for reading in readings]


def test_the_culprit_is_the_field_whose_alternative_would_do() -> None:
    found = by_name(read("a", "5", 0.999, n11=0.01), read("b", "1", 0.98), read("total", "12", 0.99))
    assert found["total"].flags == ("sum-unmet=a:11",)


def test_the_culprit_does_not_need_a_negative_value() -> None:
    found = by_name(read("a", "5", 0.8), read("b", "50", 0.9), read("total", "12", 0.99))
    assert found["a"].flags == ("sum-unmet=b:7",)  # a is less sure, but b alone is too much


def test_an_earlier_change_keeps_what_the_ink_said_first() -> None:
    ruled = replace(read("b", "1", 0.6, n7=0.4), flags=("changed-by-rule=31",))
    found = by_name(read("a", "5"), ruled, read("total", "12"))
    assert (found["b"].text, found["b"].flags) == ("7", ("changed-by-rule=31",))


def test_decimals_add_up_exactly_and_however_they_are_written() -> None:
    found = by_name(read("a", "0.1"), read("b", "0,20"), read("total", "0.3"))
    assert all(reading.flags == () for reading in found.values())
    found = by_name(read("a", "1.5"), read("b", "2"), read("total", "3.75", 0.9))
    assert found["a"].flags == ("sum-unmet=total:3.50",)
    long = "9" * 39
    found = by_name(read("a", long), read("b", "1"), read("total", "1" + "0" * 39))
    assert found["a"].flags == ()


def test_leading_zeros_are_kept() -> None:
    found = by_name(read("a", "005"), read("b", "07"), read("total", "0012"))
    assert [reading.text for reading in found.values()] == ["005", "07", "0012"]


def test_a_blank_part_counts_as_nought_but_does_not_vouch_fully() -> None:
    found = by_name(read("a", "12", 0.9), blank("b"), read("total", "12", 0.9))
    assert found["b"] == blank("b")
    full = by_name(read("a", "12", 0.9), read("b", "0", 0.99), read("total", "12", 0.9))
    assert 0.95 < found["a"].confidence < full["a"].confidence


def test_a_blank_part_of_an_unmet_sum_is_asked_for() -> None:
    found = by_name(read("a", "5"), blank("b"), read("total", "12"))
    assert BLANK_IS_ZERO < 0.99
    assert found["b"].flags == found["total"].flags == ("sum-unmet=b:7",)
    assert found["b"].status == "blank"


@pytest.mark.parametrize(
    "readings",
    [
        (blank("a"), blank("b"), blank("total")),
        (blank("a"), blank("b"), read("total", "12")),
        (read("a", "5"), read("b", "7"), blank("total")),
        (read("a", "5"), read("total", "12")),
        (read("a", "5"), read("b", "7"), read("b", "7"), read("total", "13")),
        (unreadable("a"), unreadable("b"), read("total", "12")),
        (read("a", "5"), read("b", "7", float("nan")), read("total", "3")),
        (),
    ],
)
def test_a_sum_of_which_too_little_is_known_says_nothing(readings: tuple[Reading, ...]) -> None:
    assert all(one is two or one == two for one, two in zip(agree(readings, (SUM,)), readings, strict=True))


def test_an_unreadable_field_is_told_what_would_do_but_gets_no_value() -> None:
    sure = (read("a", "5"), read("total", "12"))
    found = by_name(*sure, unreadable("b"))
    assert (found["b"].status, found["b"].text) == ("unreadable", "")
    assert found["b"].flags == ("illegible", "sum-unmet=b:7")
    assert (found["a"], found["total"]) == sure
    assert by_name(read("a", "50"), unreadable("b"), read("total", "12"))["b"].flags == ("illegible",)
    assert by_name(read("a", "5"), read("b", "7"), unreadable("total"))["total"].flags[1] == "sum-unmet=total:12"


def test_a_blank_subtotal_is_no_nought() -> None:
    readings = (read("a", "5"), read("b", "7"), blank("c"), read("d", "1"), read("total", "13"))
    assert agree(readings, CHAIN) == readings


def test_sums_that_share_a_field_are_weighed_together() -> None:
    # the first sum alone cannot tell whether a or c is wrong; the second one holds c
    a, b, c = read("a", "1", 0.6, n7=0.4), read("b", "5", 0.99), read("c", "12", 0.7, n6=0.3)
    d, total = read("d", "8", 0.99), read("total", "20", 0.99)
    found = by_name(a, b, c, d, total, sums=CHAIN)
    assert [found[name].text for name in "abcd"] == ["7", "5", "12", "8"]
    alone = by_name(a, b, c, sums=CHAIN[:1])
    assert alone["c"].confidence < found["c"].confidence


def test_only_the_unmet_one_of_two_sums_is_flagged() -> None:
    readings = (read("a", "5"), read("b", "7"), read("c", "12"), read("d", "8", 0.98), read("total", "21"))
    found = by_name(*readings, sums=CHAIN)
    assert found["a"].flags == found["b"].flags == ()
    assert found["c"].flags == found["d"].flags == found["total"].flags == ("sum-unmet=d:9",)


def test_fields_of_no_sum_and_the_order_stay() -> None:
    readings = (read("x", "1"), read("total", "12"), read("b", "7"), read("a", "5"))
    found = agree(readings, (SUM,))
    assert [reading.field for reading in found] == ["x", "total", "b", "a"]
    assert found[0] is readings[0]
    assert agree(readings, ()) == readings


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), chained=st.booleans())
def test_no_value_comes_from_nowhere(seed: int, chained: bool) -> None:
    rng = np.random.default_rng(seed)
    readings = []
    for name in ("a", "b", "c", "d", "total"):
        texts = [str(number) for number in rng.integers(0, 12, 4)]
        shares = rng.dirichlet(np.full(3, 0.5))
        others = dict(zip(texts[1:], shares.tolist(), strict=True))
        others.pop(texts[0], None)
        reading = read(name, texts[0], float(rng.uniform(0.3, 1)))
        readings.append(blank(name) if rng.random() < 0.1 else replace(reading, alternatives=tuple(others.items())))
    sums = CHAIN if chained else (Sum(("a", "b", "c"), "total"),)
    for old, new in zip(readings, agree(tuple(readings), sums), strict=True):
        assert 0 <= new.confidence <= 1
        if new.text != old.text:
            assert new.text in dict(old.alternatives)
            assert f"changed-by-rule={old.text}" in new.flags
            assert new.confidence > 0.5
            assert new.digits == ()


def test_twenty_doubtful_parts_cost_little() -> None:
    rng = np.random.default_rng(3)
    names = [f"p{i}" for i in range(20)]
    values = rng.integers(100, 99999, 20)
    others = {f"n{i}": 0.1 for i in range(1, 7)}
    readings = [read(name, str(value), 0.99, **others) for name, value in zip(names, values, strict=True)]
    wrong = replace(readings[4], confidence=0.9, text=str(values[4] + 30), alternatives=((str(values[4]), 0.3),))
    whole = read("total", str(values.sum()), 0.97)
    start = time.process_time()
    found = by_name(*readings[:4], wrong, *readings[5:], whole, sums=(Sum(tuple(names), "total"),))
    assert time.process_time() - start < 2
    assert found["p4"].text == str(values[4])

"""What a rule admits, how it writes a value, and how it weighs texts."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import damm, ean, luhn, verhoeff
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_2, mod_97_10

from docproc.assemble.decode import Step, Text
from docproc.assemble.grammar import (
    UNLISTED,
    VIOLATED,
    chance_to_fit,
    find_points,
    fits,
    is_ambiguous,
    is_in_range,
    list_allowed,
    number_of,
    spread,
    trust,
    weigh_rule,
    write,
)
from docproc.assemble.row import NO_ROW, Line, Row
from docproc.types import ANY, Box, Rule, Segment, ValueType

HEIGHT = 40
ROW = Row(HEIGHT, Line(0.0, 50.0), Line(0.0, 50.0 + HEIGHT))
CHECKS: dict[str, Callable[[str], str]] = {
    "luhn": luhn.calc_check_digit,
    "verhoeff": verhoeff.calc_check_digit,
    "damm": damm.calc_check_digit,
    "iso7064_mod_11_10": mod_11_10.calc_check_digit,
    "iso7064_mod_11_2": mod_11_2.calc_check_digit,
    "iso7064_mod_37_2": mod_37_2.calc_check_digit,
    "iso7064_mod_97_10": mod_97_10.calc_check_digits,
    "ean": ean.calc_check_digit,
    "isbn": lambda body: ean.calc_check_digit(f"978{body[3:]}"),
}
DATE = Rule("date", 8, 8, format="dd/mm/yyyy")


def date_of(form: str) -> Rule:
    return Rule("date", format=form)


def texts_of(**shares: float) -> tuple[Text, ...]:
    """Texts by their digits, named like n1 for 1, with their shares; likeliest first as given."""
    return tuple(Text(name[1:], share, (), weight=-float(i)) for i, (name, share) in enumerate(shares.items()))


def step(place: int, digit: int | None, box: Box | None = None) -> Step:
    return Step(Segment(place, place + 1, box or Box(place * 30, 50, 20, HEIGHT)), digit, 0.9)


def mark(place: int, height: int = 6, bottom: int = 90, width: int = 6) -> Step:
    return step(place, None, Box(place * 30, bottom - height, width, height))


def test_a_field_without_a_rule_takes_any_digits() -> None:
    assert fits(ANY, "7")
    assert write(ANY, "007") == "007"


@pytest.mark.parametrize("rule", [ANY, DATE, Rule(fewest=3), Rule(check="luhn"), Rule(values=("5",), required=True)])
def test_a_blank_breaks_no_rule_and_is_no_value(rule: Rule) -> None:
    assert fits(rule, "")
    assert write(rule, "") == ""


def test_length_and_pattern_count_digits() -> None:
    rule = Rule(fewest=2, most=3)
    assert [fits(rule, "1" * length) for length in range(1, 5)] == [False, True, True, False]
    assert fits(Rule(pattern="#####-##"), "1738111")
    assert not fits(Rule(pattern="#####-##"), "173811")


@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(body=st.text("0123456789", min_size=12, max_size=12), place=st.integers(0), by=st.integers(1, 9))
def test_check_digits_catch_every_single_digit_change(check: str, body: str, place: int, by: int) -> None:
    body = f"978{body[3:]}" if check == "isbn" else body
    digits = body + CHECKS[check](body)
    if not digits.isdigit():  # the check digit of some bodies is a letter, which nobody can write with digits
        return
    rule = Rule(check=check)
    at = place % len(digits)
    changed = f"{digits[:at]}{(int(digits[at]) + by) % 10}{digits[at + 1 :]}"
    assert fits(rule, digits)
    assert not fits(rule, changed)


@pytest.mark.parametrize(("isbn", "right"), [("0306406152", True), ("0306406153", False), ("9780306406157", True)])
def test_isbn_has_ten_digits_or_thirteen(isbn: str, right: bool) -> None:
    assert fits(Rule(check="isbn"), isbn) is right


@settings(max_examples=200, deadline=None, derandomize=True)
@given(day=st.integers(0, 99), month=st.integers(0, 19), year=st.integers(1, 9999))
def test_dates_are_those_of_the_calendar(day: int, month: int, year: int) -> None:
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    assert fits(date_of("dd/mm/yyyy"), f"{day:02}{month:02}{year:04}") is real
    assert fits(date_of("yyyy-mm-dd"), f"{year:04}{month:02}{day:02}") is real


@pytest.mark.parametrize(
    ("form", "digits", "real"),
    [
        ("dd/mm/yyyy", "29022024", True),
        ("dd/mm/yyyy", "29022023", False),
        ("dd/mm/yyyy", "29021900", False),
        ("dd/mm/yyyy", "29022000", True),
        ("dd/mm/yyyy", "01010000", False),
        ("dd/mm/yy", "290200", True),  # 2000 had one
        ("dd/mm/yy", "290204", True),
        ("dd/mm/yy", "290223", False),
        ("dd/mm", "2902", True),
        ("mm/yy", "1300", False),
        ("d.m.yyyy", "192024", True),
        ("d.m.yyyy", "31122024", True),
        ("d.m.yyyy", "01092024", True),
        ("d.m.yyyy", "002024", False),
        ("dd.mm.yyyy", "192024", False),
    ],
)
def test_dates_by_format(form: str, digits: str, real: bool) -> None:
    assert fits(date_of(form), digits) is real


@pytest.mark.parametrize(("form", "digits", "real"), [("hh:mm", "2359", True), ("hh:mm", "2400", False)])
def test_times_have_24_hours_of_60_minutes(form: str, digits: str, real: bool) -> None:
    assert fits(Rule("time", format=form), digits) is real
    assert not fits(Rule("time", format=form), "1260")
    assert fits(Rule("time", format="h:mm"), "905")


def test_numbers_stay_within_bounds() -> None:
    rule = Rule("integer", minimum=18, maximum=99)
    assert [fits(rule, digits) for digits in ("17", "18", "099", "100")] == [False, True, True, False]
    assert not fits(Rule("digits", maximum=12), "13")


def test_a_decimal_has_its_point_anywhere_unless_the_pattern_says_where() -> None:
    assert fits(Rule("decimal", maximum=20), "125")
    assert fits(Rule("decimal", minimum=0.5, maximum=2), "05")
    assert not fits(Rule("decimal", minimum=20, maximum=90), "19")
    assert fits(Rule("decimal", pattern="##.#", maximum=12.5), "125")
    assert not fits(Rule("decimal", pattern="##,#", maximum=12.4), "125")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(tenths=st.integers(0, 999))
def test_bounds_are_decimal_as_they_were_written(tenths: int) -> None:
    rule = Rule("decimal", minimum=tenths / 10, maximum=tenths / 10)
    assert is_in_range(rule, Decimal(tenths) / 10)


def test_only_allowed_values_fit_and_are_written_as_the_roster_has_them() -> None:
    rule = Rule(values=("17-381", "17-382", "9", "17 381", "x"))
    assert [fits(rule, digits) for digits in ("17381", "9", "17383", "09")] == [True, True, False, False]
    assert write(rule, "17381") == "17-381"
    assert write(rule, "17383") == "17383"
    assert list_allowed(rule) == ("17381", "17382", "9")
    assert list_allowed(replace(rule, fewest=2)) == ("17381", "17382")
    assert list_allowed(ANY) == ()


@pytest.mark.parametrize(
    ("rule", "digits", "written"),
    [
        (Rule(pattern="#####-##"), "1738111", "17381-11"),
        (Rule(pattern="#####-##"), "173811", "173811"),
        (Rule(pattern="(##)"), "12", "(12)"),
        (date_of("dd/mm/yyyy"), "01022024", "01/02/2024"),
        (date_of("dd/mm/yyyy"), "31022024", "31/02/2024"),  # no such day, but that is what was written
        (date_of("dd/mm/yyyy"), "3102202", "3102202"),
        (date_of("yyyy-mm-dd"), "20240201", "2024-02-01"),
        (date_of("d.m.yyyy"), "1122024", "1.12.2024"),
        (date_of("d.m.yyyy"), "3122024", "3.12.2024"),
        (Rule("time", format="hh:mm"), "0905", "09:05"),
        (Rule("integer"), "007", "007"),
        (Rule("decimal", pattern="##.#"), "125", "12.5"),
    ],
)
def test_values_are_written_as_the_rule_says(rule: Rule, digits: str, written: str) -> None:
    assert write(rule, digits) == written


@pytest.mark.parametrize(("point", "written"), [(None, "125"), (0, "125"), (1, "1.25"), (2, "12.5"), (3, "125")])
def test_a_decimal_is_written_with_the_point_of_its_ink(point: int | None, written: str) -> None:
    assert write(Rule("decimal"), "125", point) == written
    assert write(Rule("integer"), "125", point) == "125"
    assert write(Rule("decimal", pattern="##.#"), "125", point) == "12.5"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(["digits", "integer", "decimal", "date", "time"]),
    digits=st.text("0123456789", max_size=9),
    pattern=st.sampled_from(["", "##-##", "###.#", "#"]),
    form=st.sampled_from(["dd/mm/yyyy", "d/m/yy", "h:mm"]),
    point=st.none() | st.integers(0, 9),
)
def test_writing_neither_adds_nor_drops_a_digit(
    kind: ValueType, digits: str, pattern: str, form: str, point: int | None
) -> None:
    rule = Rule(kind, pattern=pattern, format=form if kind in ("date", "time") else "")
    written = write(rule, digits, point)
    assert "".join(sign for sign in written if sign.isdigit()) == digits


def test_a_date_without_leading_zeros_may_be_two_dates() -> None:
    rule = date_of("d/m/yyyy")
    assert is_ambiguous(rule, "1112024")
    assert not is_ambiguous(rule, "392024")
    assert not is_ambiguous(date_of("dd/mm/yyyy"), "01112024")
    assert not is_ambiguous(ANY, "111")


@pytest.mark.parametrize(
    ("text", "number"),
    [("12.50", "12.50"), ("12,5", "12.5"), ("007", "7"), ("", None), ("17-381", None), ("1.2.3", None), (".5", None)],
)
def test_numbers_are_read_from_what_was_written(text: str, number: str | None) -> None:
    assert number_of(text) == (None if number is None else Decimal(number))


def test_a_small_mark_at_the_foot_between_digits_is_the_point() -> None:
    assert find_points((step(0, 1), step(1, 2), mark(2), step(3, 5)), ROW, {}) == (2,)
    assert find_points((step(0, 1), mark(1, height=13, bottom=98), step(2, 5)), ROW, {}) == (1,)  # a comma hangs


@pytest.mark.parametrize(
    "odd",
    [
        mark(1, height=20),
        mark(1, bottom=60),  # a speck at the top
        mark(1, bottom=74),  # a dash at half height
        mark(1, height=4, width=30),  # a rest of a ruling
        step(1, None),
    ],
)
def test_other_marks_are_no_point(odd: Step) -> None:
    assert find_points((step(0, 1), odd, step(2, 5)), ROW, {}) == ()


def test_a_point_stands_between_digits_and_alone() -> None:
    assert find_points((mark(0), step(1, 1), step(2, 5), mark(3)), ROW, {}) == ()
    assert find_points((), NO_ROW, {}) == ()
    several = (step(0, 1), mark(1), step(2, 5), mark(3), mark(4), step(5, 5))
    assert find_points(several, ROW, {}) == (1, 2)


def test_a_point_taken_into_the_digit_beside_it_is_a_point_all_the_same() -> None:
    dot, stem = Box(30, 84, 6, 6), Box(40, 50, 8, HEIGHT)
    three, joined = step(0, 3), Step(Segment(1, 3, Box(30, 50, 18, HEIGHT)), 1, 0.9)
    pieces = {0: three.segment.box, 1: dot, 2: stem}
    assert find_points((three, joined), ROW, pieces) == (1,)
    assert find_points((three, joined), ROW, {}) == ()
    high = {**pieces, 1: Box(30, 50, 6, 6)}
    assert find_points((three, joined), ROW, high) == ()


def test_a_rule_turns_to_the_second_text_that_fits() -> None:
    texts = weigh_rule(texts_of(n32=0.6, n12=0.3, n92=0.1), Rule("integer", maximum=20))
    assert [text.text for text in texts] == ["12", "32", "92"]
    assert texts[0].posterior == pytest.approx(0.3 / (0.3 + 0.7 * VIOLATED))


def test_a_rule_does_not_invent_what_the_ink_excludes() -> None:
    texts = weigh_rule(texts_of(n32=0.99, n12=0.01), Rule("integer", maximum=20))
    assert texts[0].text == "32"


def test_a_rule_that_says_nothing_changes_nothing() -> None:
    texts = texts_of(n32=0.6, n12=0.4)
    assert weigh_rule(texts, ANY) is texts
    assert weigh_rule(texts, Rule(fewest=3)) is texts
    assert weigh_rule((), ANY) == ()
    assert trust(0.6, texts, ANY) == pytest.approx(0.6)


def test_a_blank_among_the_texts_keeps_its_share() -> None:
    texts = weigh_rule((Text("123", 0.9, ()), Text("", 0.1, ())), Rule(most=2))
    assert [text.text for text in texts] == ["", "123"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(shares=st.lists(st.floats(1e-3, 1), min_size=1, max_size=8), maximum=st.integers(0, 8))
def test_weighed_texts_sum_to_one_in_order_and_their_weights_keep_step(shares: list[float], maximum: int) -> None:
    shares = sorted((share / sum(shares) for share in shares), reverse=True)
    texts = tuple(Text(str(i), share, (), share) for i, share in enumerate(shares))
    weighed = weigh_rule(texts, Rule("integer", maximum=maximum))
    posteriors = [text.posterior for text in weighed]
    assert sum(posteriors) == pytest.approx(1)
    assert posteriors == sorted(posteriors, reverse=True)
    assert {text.text for text in weighed} == {text.text for text in texts}
    if int(weighed[0].text) > maximum:
        assert weighed[0].text == "0" or weighed[0].posterior > VIOLATED


def test_spread_keeps_a_rest_for_what_is_not_listed() -> None:
    assert spread(0.7, [0.2, 0.1]) == pytest.approx([0.7, 0.3 * (1 - UNLISTED) * 2 / 3, 0.3 * (1 - UNLISTED) / 3, 0.1])
    assert spread(0.7, []) == pytest.approx([0.7, 0.3])
    assert spread(0.7, [1e-7]) == pytest.approx([0.7, 0.0, 0.3])


def test_a_kept_rule_vouches_for_a_text_and_a_broken_one_does_not() -> None:
    rule = Rule(check="luhn")
    texts = (Text("18", 0.8, ()), Text("17", 0.2, ()))
    assert fits(rule, "18")
    assert trust(0.8, texts, rule) > 0.97
    broken = (Text("17", 0.8, ()), Text("16", 0.2, ()))
    assert trust(0.8, broken, rule) < 0.8
    assert trust(0.8, (Text("17", 0.8, ()), Text("18", 0.2, ())), rule) == pytest.approx(
        (0.2 * (1 - UNLISTED)) / (0.2 * (1 - UNLISTED) + 0.8 * VIOLATED + 0.2 * UNLISTED * (0.1 + 0.9 * VIOLATED)),
        rel=0.1,
    )


def test_chance_to_fit_is_that_of_texts_with_one_digit_changed() -> None:
    assert chance_to_fit(ANY, "12") == 1.0
    assert chance_to_fit(ANY, "") == 1.0
    assert chance_to_fit(Rule(check="luhn"), "18") == 0.1
    assert chance_to_fit(Rule("integer", maximum=49), "25") == pytest.approx((4 + 9) / 18)

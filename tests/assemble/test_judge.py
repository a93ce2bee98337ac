"""From texts to a reading: what it is called, how sure it is, why a person should look."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from docproc.assemble.confidence import FREE, least_confidence
from docproc.assemble.decode import Step, Text
from docproc.assemble.judge import LEAST_CONFIDENCE, accept, choose_scale, judge, map_box
from docproc.assemble.row import Line, Row
from docproc.assemble.second import Check
from docproc.errors import FLAGS
from docproc.options import Options, Recipe
from docproc.types import (
    ANY,
    CHECKED_EVIDENCE,
    NEUTRAL,
    Box,
    Calibration,
    Field,
    FieldKind,
    Homography,
    Lattice,
    Probs,
    Reading,
    Rule,
    Scale,
    Segment,
)

HEIGHT, WIDTH = 40, 30
HERE: Homography = np.eye(3)


def recipe_of(max_error: float = 0.05, calibration: Calibration = NEUTRAL) -> Recipe:
    return Recipe(Options(max_error=max_error), "digest", calibration)


def respell(steps: tuple[Step, ...], text: str) -> tuple[Step, ...]:
    """The same ink read as another text of as many digits."""
    if len(text) != len(steps):
        return ()
    return tuple(step._replace(digit=int(digit)) for step, digit in zip(steps, text, strict=True))


def read(
    *digits: int | None,
    chance: float = 0.99,
    posterior: float = 0.99,
    heights: tuple[int, ...] = (),
    cut: bool = False,
    cells: tuple[int, ...] = (),
    kind: FieldKind = "strip",
    recipe: Recipe | None = None,
    flags: tuple[str, ...] = (),
    others: tuple[tuple[str, float], ...] = (),
    page_flags: tuple[str, ...] = (),
    check: Check | None = None,
    rule: Rule = ANY,
    probs: Probs | None = None,
) -> Reading:
    """Judge a field whose best text is these digits (None: ink left out), in these cells of a comb of five."""
    places = cells or tuple(range(len(digits)))
    box = Box(0, 0, 5 * WIDTH, HEIGHT)
    comb = tuple(Box(i * WIDTH, 0, WIDTH, HEIGHT) for i in range(5))
    field = Field("7", box, "comb" if cells else kind, comb if cells else (), rule)
    tall = heights or (HEIGHT,) * len(digits)
    steps = tuple(
        Step(Segment(i, i + 1, Box(place * WIDTH, 0, WIDTH, high), cut and digit is not None), digit, chance)
        for i, (digit, place, high) in enumerate(zip(digits, places, tall, strict=True))
    )
    text = "".join(str(digit) for digit in digits if digit is not None)
    rivals = (Text(other, share, respell(steps, other)) for other, share in others)
    texts = (Text(text, posterior, steps), *rivals)
    lattice = Lattice(field, len(digits) + 1, tuple(step.segment for step in steps), flags)
    recipe = recipe or recipe_of()
    row = Row(HEIGHT, Line(0.0, 0.0), Line(0.0, HEIGHT))
    even = np.full((len(steps), 11), 1 / 11, np.float32) if probs is None else probs
    reading = judge(lattice, texts, row, check, recipe.calibration, HERE, b"png", even)
    assert not reading.review
    least = least_confidence(recipe.options.max_error, choose_scale(check, recipe.calibration))
    return accept(reading, least, page_flags)


def test_sure_value_is_accepted() -> None:
    reading = read(0, 4, 7)
    assert (reading.field, reading.status, reading.text) == ("7", "value", "047")
    assert (reading.review, reading.flags, reading.strip) == (False, (), b"png")
    assert reading.confidence == pytest.approx(0.99)
    assert [digit.text for digit in reading.digits] == ["0", "4", "7"]
    assert [digit.box for digit in reading.digits] == [Box(i * WIDTH, 0, WIDTH, HEIGHT) for i in range(3)]


def test_field_without_ink_is_blank_and_no_question() -> None:
    reading = read(posterior=1.0)
    assert (reading.status, reading.text, reading.review, reading.flags) == ("blank", "", False, ())


def test_field_of_mere_marks_is_blank_but_shown() -> None:
    reading = read(None, heights=(6,))
    assert (reading.status, reading.text, reading.review, reading.flags) == ("blank", "", True, ("not-a-digit",))


def test_field_of_large_ink_that_is_no_digit_is_unreadable() -> None:
    reading = read(None, None)
    assert (reading.status, reading.text, reading.review) == ("unreadable", "", True)
    assert reading.flags == ("not-a-digit",)
    assert reading.digits == ()


def test_large_foreign_ink_beside_digits_is_flagged_and_small_is_not() -> None:
    assert read(4, None, 7).flags == ("not-a-digit",)
    assert read(4, None, 7).review
    assert read(4, None, 7, heights=(40, 6, 40)).flags == ()


def test_cut_digits_are_named_but_call_for_nobody() -> None:
    reading = read(4, 7, cut=True)
    assert (reading.flags, reading.review) == (("touching",), False)


@pytest.mark.parametrize(
    ("cells", "gap"), [((0, 1, 2), False), ((2, 3, 4), False), ((0, 1, 3), True), ((0, 2, 4), True)]
)
def test_empty_cell_between_filled_ones_is_a_gap(cells: tuple[int, ...], gap: bool) -> None:
    reading = read(1, 2, 3, cells=cells)
    assert reading.flags == (("gap",) if gap else ())
    assert reading.review is gap


@pytest.mark.parametrize(("kind", "digits", "stray"), [("line", 1, True), ("line", 2, False), ("box", 1, False)])
def test_single_digit_on_a_free_line_may_be_a_letter(kind: FieldKind, digits: int, stray: bool) -> None:
    assert read(*(7,) * digits, kind=kind).flags == (("stray",) if stray else ())


def test_hopeless_guess_is_no_value_but_an_alternative() -> None:
    reading = read(4, 7, posterior=0.04, others=(("41", 0.03),))
    assert (reading.status, reading.text, reading.confidence, reading.digits) == ("unreadable", "", 0.0, ())
    assert reading.review
    assert "illegible" in reading.flags
    assert reading.alternatives == (("47", 0.04), ("41", 0.03))


def test_what_is_just_likely_enough_stays_a_value() -> None:
    assert read(4, chance=1.0, posterior=1.1 * LEAST_CONFIDENCE).status == "value"
    assert read(4, chance=1.0, posterior=0.9 * LEAST_CONFIDENCE).status == "unreadable"


def test_alternatives_are_the_next_best_texts() -> None:
    reading = read(4, posterior=0.9, others=tuple((str(i), 0.1 / 9) for i in range(9) if i != 4))
    assert [text for text, _ in reading.alternatives] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("max_error", "accepted"), [(0.5, True), (0.11, True), (0.09, False), (0.001, False)])
def test_max_error_decides_what_is_shown(max_error: float, accepted: bool) -> None:
    reading = read(4, chance=1.0, posterior=0.9, recipe=recipe_of(max_error))
    assert reading.confidence == pytest.approx(0.9)
    assert reading.review is not accepted
    assert reading.flags == (() if accepted else ("low-confidence",))


def test_calibration_moves_confidence_and_with_it_the_verdict() -> None:
    modest = replace(NEUTRAL, alone=replace(NEUTRAL.alone, offset=-3.0))
    assert read(4, 7).review is False
    reading = read(4, 7, recipe=recipe_of(calibration=modest))
    assert reading.confidence == pytest.approx(1 / (1 + math.exp(3.0) / 99))
    assert reading.flags == ("low-confidence",)


def test_flags_of_the_lattice_are_kept_and_every_flag_is_known() -> None:
    reading = read(4, None, 7, cut=True, cells=(0, 1, 4), chance=0.8, posterior=0.8, flags=("resolution-estimated",))
    assert reading.flags[0] == "resolution-estimated"
    assert set(reading.flags[1:]) == {"not-a-digit", "touching", "gap", "low-confidence"}
    assert set(reading.flags) <= set(FLAGS)


BOX = Box(10, 20, 30, 40)


@pytest.mark.parametrize(
    ("to_scan", "there"),
    [
        (np.eye(3), BOX),
        (np.diag([2, 2, 1]), Box(20, 40, 60, 80)),
        (np.array([[0.5, 0, 3], [0, 0.5, 4], [0, 0, 1]]), Box(8, 14, 15, 20)),
        # On a page 200 wide and 300 high: turned by a quarter either way, and upside down.
        (np.array([[0, -1, 300], [1, 0, 0], [0, 0, 1]]), Box(240, 10, 40, 30)),
        (np.array([[0, 1, 0], [-1, 0, 200], [0, 0, 1]]), Box(20, 160, 40, 30)),
        (np.array([[-1, 0, 200], [0, -1, 300], [0, 0, 1]]), Box(160, 240, 30, 40)),
        # What is 100 pixels to the right is twice as far from the camera, and half as large.
        (np.array([[1, 0, 0], [0, 1, 0], [0.01, 0, 1]]), Box(9, 14, 20, 41)),
    ],
    ids=["same", "doubled", "halved and moved", "right", "left", "upside down", "in perspective"],
)
def test_box_goes_back_to_the_scan_exactly(to_scan: np.ndarray, there: Box) -> None:
    assert map_box(BOX, to_scan.astype(float)) == there


def test_box_of_a_level_page_covers_its_ink_on_the_skewed_scan() -> None:
    turn = math.radians(3)
    to_scan = np.array([[math.cos(turn), -math.sin(turn), 40], [math.sin(turn), math.cos(turn), 5], [0, 0, 1]])
    there = map_box(BOX, to_scan)
    for x, y in ((10, 20), (40, 20), (10, 60), (40, 60)):
        at_x, at_y, _ = to_scan @ [x, y, 1]
        assert there.x - 0.5 <= at_x <= there.right + 0.5
        assert there.y - 0.5 <= at_y <= there.bottom + 0.5


def test_box_never_leaves_the_scan_at_its_top_and_left_nor_vanishes() -> None:
    there = map_box(Box(0, 0, 1, 1), np.array([[0.2, 0, -5], [0, 0.2, -5], [0, 0, 1]]))
    assert there == Box(0, 0, 1, 1)


def test_damage_of_the_page_sends_each_of_its_fields_to_a_person() -> None:
    whole = read(0, 4, 7)
    damaged = read(0, 4, 7, page_flags=("damaged-picture", "resolution-estimated"))
    assert (whole.review, damaged.review) == (False, True)
    assert damaged.flags == whole.flags
    assert not read(0, 4, 7, page_flags=("resolution-estimated",)).review


def test_what_the_second_reader_disputes_is_shown_however_sure() -> None:
    assert read(0, 4, 7, check=Check("047", 5.0)).flags == ()
    reading = read(0, 4, 7, check=Check("041", 5.0))
    assert (reading.text, reading.review, reading.flags) == ("047", True, ("disputed",))
    assert reading.status == "value"
    assert reading.confidence == pytest.approx(0.99)


def test_digits_that_only_the_second_reader_sees_are_shown() -> None:
    marks = read(None, heights=(6,), check=Check("12", 9.0))
    assert (marks.status, marks.text, marks.review) == ("blank", "", True)
    assert "disputed" in marks.flags
    empty = read(posterior=1.0, check=Check("", 0.0))
    assert (empty.status, empty.review, empty.flags) == ("blank", False, ())


def test_what_the_second_reader_says_moves_confidence_as_the_card_weighs_it() -> None:
    weights = tuple(0.5 if name == "lead" else 0.0 for name in CHECKED_EVIDENCE)
    recipe = recipe_of(calibration=replace(NEUTRAL, checked=Scale(weights, 1.0)))
    sure, unsure = (read(4, 7, recipe=recipe, check=Check("47", lead)) for lead in (4.4, 0.0))
    assert sure.confidence == pytest.approx(1 / (1 + math.exp(-1 - 0.5 * 4.4)))
    assert unsure.confidence == pytest.approx(1 / (1 + math.exp(-1)))


def test_thresholds_of_fields_read_twice_are_their_own() -> None:
    checked = replace(NEUTRAL.checked, thresholds=((0.01, 0.8),))
    recipe = recipe_of(0.01, replace(NEUTRAL, checked=checked))
    assert read(4, posterior=0.9, recipe=recipe).flags == ("low-confidence",)
    assert read(4, posterior=0.9, recipe=recipe, check=Check("4", 5.0)).flags == ()


def test_digits_taken_back_are_named_and_shown() -> None:
    reading = read(1, 2, check=Check("12", 5.0, flags=("struck-out", "overwritten")))
    assert (reading.text, reading.review, reading.flags) == ("12", True, ("struck-out", "overwritten"))


def test_fields_read_twice_have_a_scale_of_their_own() -> None:
    calibration = replace(NEUTRAL, checked=replace(NEUTRAL.checked, offset=-3.0))
    recipe = recipe_of(calibration=calibration)
    assert not read(0, 4, 7, recipe=recipe).review
    assert read(0, 4, 7, recipe=recipe, check=Check("047", 5.0)).flags == ("low-confidence",)


def test_number_that_nobody_asked_for_must_be_surer() -> None:
    asked, free = (read(4, 7, kind=kind, posterior=0.97) for kind in ("box", "line"))
    assert not asked.review
    assert free.flags == ("low-confidence",)
    assert math.log(free.confidence / (1 - free.confidence)) == pytest.approx(math.log(0.97 / 0.03) - FREE)


def test_confidence_that_is_no_number_is_never_accepted() -> None:
    reading = read(4, 7, posterior=math.nan)
    assert (reading.status, reading.review) == ("unreadable", True)
    assert "illegible" in reading.flags


def write_down(*marks: int | str, rule: Rule, cut: bool = False) -> Reading:
    """Judge a field in which these digits stand side by side, "." small marks at the foot among them."""
    boxes = [
        Box(i * WIDTH, HEIGHT - 6, 6, 6) if mark == "." else Box(i * WIDTH, 0, WIDTH - 8, HEIGHT)
        for i, mark in enumerate(marks)
    ]
    segments = tuple(Segment(i, i + 1, box, cut and box.height < HEIGHT) for i, box in enumerate(boxes))
    steps = tuple(
        Step(segment, None if mark == "." else int(mark), 0.999) for segment, mark in zip(segments, marks, strict=True)
    )
    text = Text("".join(str(mark) for mark in marks if mark != "."), 0.999, steps)
    field = Field("weight", Box(0, 0, len(marks) * WIDTH, HEIGHT), "place", rule=rule)
    row = Row(HEIGHT, Line(0.0, 0.0), Line(0.0, HEIGHT))
    probs = np.full((len(marks), 11), 1 / 11, np.float32)
    return judge(Lattice(field, len(marks) + 1, segments), (text,), row, None, NEUTRAL, HERE, b"", probs)


@pytest.mark.parametrize(
    ("marks", "rule", "text", "flags"),
    [
        ((3, ".", 1), Rule("decimal"), "3.1", ()),
        ((3, 1), Rule("decimal"), "31", ()),
        ((3, 1), Rule("decimal", maximum=10), "31", ("breaks-rule",)),
        ((3, ".", 1), Rule("decimal", maximum=10), "3.1", ()),
        ((3, ".", 1, ".", 2), Rule("decimal"), "312", ("unclear-point",)),
        ((1, 5, ".", 5), Rule("decimal", pattern="##.#"), "15.5", ()),
        ((1, ".", 5, 5), Rule("decimal", pattern="##.#"), "15.5", ("unclear-point",)),
        ((1, 2, ".", 5), Rule("integer"), "125", ("unclear-point",)),
        ((1, 2, ".", 5), Rule("digits"), "125", ()),
        ((1, 1, 2, 0), Rule("date", format="d/m/yy"), "1/1/20", ()),
        ((1, 1, 1, 2, 0), Rule("date", format="d/m/yy"), "1/11/20", ("ambiguous-date",)),
    ],
)
def test_what_is_written_must_fit_what_the_ink_shows(
    marks: tuple[int | str, ...], rule: Rule, text: str, flags: tuple[str, ...]
) -> None:
    reading = write_down(*marks, rule=rule)
    assert (reading.text, reading.flags) == (text, flags)
    assert set(flags) <= set(FLAGS)


def test_a_sliver_that_was_cut_off_a_stroke_is_no_point() -> None:
    reading = write_down(3, ".", 1, rule=Rule("decimal"), cut=True)
    assert reading.text == "31"
    assert "unclear-point" not in reading.flags


def test_a_rule_that_turns_the_reading_says_what_the_ink_said() -> None:
    reading = read(4, 7, posterior=0.7, others=(("41", 0.3),), rule=Rule(values=("41",)))
    assert (reading.text, reading.flags) == ("41", ("changed-by-rule=47", "low-confidence"))
    assert reading.review
    kept = read(4, 7, posterior=0.999, others=(("41", 0.001),), rule=Rule(values=("41",)))
    assert (kept.text, kept.flags[0], kept.review) == ("47", "breaks-rule", True)
    blank = read(posterior=1.0, rule=Rule(required=True))
    assert (blank.status, blank.flags, blank.review) == ("blank", ("missing",), True)


def test_a_sign_that_the_pattern_asks_for_is_no_foreign_ink() -> None:
    rule = Rule(pattern="##/#")
    assert read(4, 7, None, 5, rule=rule).flags == ()
    assert read(4, None, 7, 5, rule=rule).flags == ("not-a-digit",)
    assert read(4, 7, None, 5).flags == ("not-a-digit",)


def test_a_rule_that_leaves_nothing_of_the_reading_says_what_the_ink_said() -> None:
    reading = read(4, 7, posterior=0.9, others=(("", 0.1),), rule=Rule(values=("415",)))
    assert (reading.text, reading.status) == ("", "blank")
    assert "changed-by-rule=47" in reading.flags
    assert reading.review


def test_a_digit_tells_what_else_its_ink_may_be() -> None:
    probs = np.zeros((2, 11), np.float32)
    # the first is a 4, but half of it speaks for no digit; among digits 9 and 1 have a chance, and 7 next to none
    probs[0, [4, 9, 1, 7, 10]] = [0.4, 0.075, 0.025, 0.0001, 0.4999]
    probs[1, [7, 10]] = [0.9999, 0.0001]
    first, second = read(4, 7, probs=probs).digits
    assert [name for name, _ in first.others] == ["none", "9", "1"]
    assert [chance for _, chance in first.others] == pytest.approx([0.4999, 0.15, 0.05], abs=0.0001)
    assert second.others == ()


def test_at_most_three_alternatives_are_kept() -> None:
    reading = read(4, probs=np.full((1, 11), 1 / 11, np.float32))
    assert [name for name, _ in reading.digits[0].others] == ["0", "1", "2"]

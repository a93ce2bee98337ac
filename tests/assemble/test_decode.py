"""The decoder against all paths written out, and what it makes of size, marks and combs."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.assemble import decode as decoding
from docproc.assemble.decode import (
    LIKELY,
    SIGN,
    SIGN_LACKING,
    SKIP_LARGE,
    Text,
    cell_of,
    decode,
    find_signs,
    is_large,
)
from docproc.assemble.row import NO_ROW, Line, Row, measure_row
from docproc.types import NOT_A_DIGIT, Box, Field, Lattice, Probs, Rule, Segment

HEIGHT = 40
WIDTH = 30
ROW = Row(HEIGHT, Line(0.0, 50.0), Line(0.0, 50.0 + HEIGHT))
READINGS = 3
"""Digits that the decoder considers for a segment."""


def field_of(pieces: int, comb: int = 0) -> Field:
    """A strip of so many pieces side by side, or a comb with so many pieces in each cell."""
    box = Box(100, 50, pieces * WIDTH, HEIGHT)
    if not comb:
        return Field("1", box, "strip")
    cells = tuple(Box(100 + i * comb * WIDTH, 50, comb * WIDTH, HEIGHT) for i in range(-(-pieces // comb)))
    return Field("1", box, "comb", cells)


def segment_of(start: int, stop: int, height: int = HEIGHT) -> Segment:
    box = Box(100 + start * WIDTH, 50 + HEIGHT - height, (stop - start) * WIDTH, height)
    return Segment(start, stop, box)


def lattice_of(pieces: int, longest: int = 1, comb: int = 0) -> Lattice:
    """Every run of up to `longest` pieces, all as high as the writing; in a comb, none across a cell's side."""
    segments = [
        segment_of(start, stop)
        for start in range(pieces)
        for stop in range(start + 1, min(start + longest, pieces) + 1)
        if not comb or start // comb == (stop - 1) // comb
    ]
    return Lattice(field_of(pieces, comb), pieces + 1, tuple(segments))


def sure(*digits: int | None, chance: float = 0.97) -> Probs:
    """A row for each digit (None: not a digit), the rest shared evenly by the other classes."""
    probs = np.full((len(digits), NOT_A_DIGIT + 1), (1 - chance) / NOT_A_DIGIT, np.float32)
    for row, digit in zip(probs, digits, strict=True):
        row[NOT_A_DIGIT if digit is None else digit] = chance
    return probs


def weigh_every_text(lattice: Lattice, probs: Probs) -> dict[str, float]:
    """Share of every text in the weight of all paths, by walking each path to its end."""
    weights: dict[str, float] = defaultdict(float)

    def walk(node: int, text: str, weight: float, last: int) -> None:
        if node == lattice.nodes - 1:
            weights[text] += weight
            return
        for segment, row in zip(lattice.segments, probs, strict=True):
            if segment.start != node:
                continue
            cell = cell_of(lattice.field, segment)
            if not lattice.field.cells or cell > last:
                for place, digit in enumerate(np.argsort(-row[:NOT_A_DIGIT], kind="stable")[:READINGS]):
                    if place and row[digit] < LIKELY:
                        continue
                    walk(segment.stop, f"{text}{digit}", weight * float(row[digit]), cell)
            if segment.stop == node + 1:
                walk(segment.stop, text, weight * float(row[NOT_A_DIGIT]) * SKIP_LARGE, last)

    walk(0, "", 1.0, -1)
    total = math.fsum(weights.values())
    return {text: weight / total for text, weight in weights.items()}


def posteriors(texts: tuple[Text, ...]) -> dict[str, float]:
    return {text.text: text.posterior for text in texts}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pieces=st.integers(1, 4), longest=st.integers(1, 3), comb=st.integers(0, 2), seed=st.integers(0, 2**32 - 1))
def test_decoder_without_a_beam_is_brute_force(pieces: int, longest: int, comb: int, seed: int) -> None:
    lattice = lattice_of(pieces, longest, comb)
    probs = np.random.default_rng(seed).dirichlet(np.full(11, 0.6), len(lattice.segments)).astype(np.float32)
    probs = np.maximum(probs, 2e-6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BEAM", 10**6)
        found = decode(lattice, probs, ROW)
    every = weigh_every_text(lattice, probs)
    assert posteriors(found) == pytest.approx(every, rel=1e-4, abs=1e-9)
    assert found[0].posterior == pytest.approx(max(every.values()), rel=1e-4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(pieces=st.integers(1, 5), longest=st.integers(1, 2), seed=st.integers(0, 2**32 - 1))
def test_beam_finds_the_text_that_clearly_wins(pieces: int, longest: int, seed: int) -> None:
    lattice = lattice_of(pieces, longest)
    rng = np.random.default_rng(seed)
    digits = [int(digit) if digit < NOT_A_DIGIT else None for digit in rng.integers(0, 11, len(lattice.segments))]
    probs = sure(*digits)
    every = weigh_every_text(lattice, probs)
    best, second = [*sorted(every.values(), reverse=True), 0.0][:2]
    found = decode(lattice, probs, ROW)
    if best > 1.05 * second:
        assert found[0].text == max(every, key=lambda text: every[text])
    # What falls out of the beam is missed in the sum: a doubtful text looks a little surer than it is.
    assert found[0].posterior == pytest.approx(best, abs=0.02 if best > 0.5 else 0.1)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(pieces=st.integers(1, 9), longest=st.integers(1, 4), comb=st.integers(0, 3), seed=st.integers(0, 2**32 - 1))
def test_texts_are_ranked_and_their_steps_lead_from_end_to_end(pieces: int, longest: int, comb: int, seed: int) -> None:
    lattice = lattice_of(pieces, longest, comb)
    probs = np.random.default_rng(seed).dirichlet(np.full(11, 0.4), len(lattice.segments)).astype(np.float32)
    texts = decode(lattice, probs, ROW)
    shares = [text.posterior for text in texts]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert len({text.text for text in texts}) == len(texts)
    for text in texts:
        assert text.text == "".join(str(step.digit) for step in text.steps if step.digit is not None)
        ends = [0, *(step.segment.stop for step in text.steps)]
        assert [step.segment.start for step in text.steps] == ends[:-1]
        assert ends[-1] == lattice.nodes - 1
        cells = [cell_of(lattice.field, step.segment) for step in text.steps if step.digit is not None]
        if comb:
            assert cells == sorted(set(cells))


def test_steps_carry_the_chance_of_their_digit_among_digits_and_that_of_none() -> None:
    probs = np.concatenate([sure(4, chance=0.9), sure(None, chance=0.9999), sure(7)])
    probs[2] = 0.01
    probs[2, [7, NOT_A_DIGIT]] = 0.21, 0.7
    (best, *_) = decode(lattice_of(3), probs, ROW)
    assert [step.digit for step in best.steps] == [4, None, 7]
    assert [step.chance for step in best.steps] == pytest.approx([0.9 / 0.99, 0.9999, 0.21 / 0.30])


def test_field_without_ink_reads_as_the_empty_text() -> None:
    (only,) = decode(Lattice(field_of(1), 1, ()), sure(), NO_ROW)
    assert only == Text("", 1.0, ())


def test_joined_strokes_beat_their_halves_where_only_the_whole_is_a_digit() -> None:
    lattice = lattice_of(2, longest=2)
    probs = np.concatenate([sure(None), sure(5), sure(None)])
    assert [(s.start, s.stop) for s in lattice.segments] == [(0, 1), (0, 2), (1, 2)]
    assert decode(lattice, probs, ROW)[0].text == "5"


def test_two_paths_that_read_the_same_add_up() -> None:
    """A 1 broken in two reads 1 as a whole or as its one half and a mark; both are for the text 1."""
    lattice = lattice_of(2, longest=2)
    probs = np.concatenate([sure(1, chance=0.5), sure(1, chance=0.5), sure(None, chance=0.5)])
    shares = posteriors(decode(lattice, probs, ROW))
    every = weigh_every_text(lattice, probs)
    assert shares["1"] == pytest.approx(every["1"], rel=0.01)
    assert every["1"] > 0.5 / (0.5 + 0.5 * 0.5 * SKIP_LARGE) * 0.5


@pytest.mark.parametrize(("height", "text"), [(HEIGHT, "31"), (HEIGHT // 5, "3")])
def test_small_mark_is_left_out_where_a_digit_of_its_looks_would_be_read(height: int, text: str) -> None:
    lattice = Lattice(field_of(2), 3, (segment_of(0, 1), segment_of(1, 2, height)))
    probs = np.concatenate([sure(3), sure(1, chance=0.6)])
    assert decode(lattice, probs, ROW)[0].text == text


def test_a_zero_may_be_smaller_than_other_digits() -> None:
    half = HEIGHT // 2
    lattice = Lattice(field_of(2), 3, (segment_of(0, 1), segment_of(1, 2, half)))
    share = {}
    for digit in (0, 6):
        probs = np.concatenate([sure(3), sure(digit, chance=0.8)])
        share[digit] = posteriors(decode(lattice, probs, ROW)).get(f"3{digit}", 0.0)
    assert share[0] > share[6]
    assert share[0] > 0.5


def test_ink_much_higher_than_the_writing_is_hardly_a_digit() -> None:
    share = []
    for height in (HEIGHT, 2 * HEIGHT, 3 * HEIGHT):
        lattice = Lattice(field_of(2), 3, (segment_of(0, 1), segment_of(1, 2, height)))
        share.append(posteriors(decode(lattice, sure(3, 1, chance=0.8), ROW)).get("31", 0.0))
    assert share[0] > share[1] > share[2]


def test_comb_cell_holds_one_digit_though_two_look_likely() -> None:
    lattice = lattice_of(4, longest=1, comb=2)
    probs = np.concatenate([sure(1, chance=0.9), sure(2, chance=0.6), sure(3, chance=0.9), sure(4, chance=0.6)])
    assert decode(lattice, probs, ROW)[0].text == "13"
    assert all(len(text.text) <= 2 for text in decode(lattice, probs, ROW))


def test_writing_height_is_that_of_the_likely_digits() -> None:
    segments = (segment_of(0, 1, 40), segment_of(1, 2, 42), segment_of(2, 3, 44), segment_of(3, 4, 8))
    assert measure_row(segments, sure(1, 2, 3, None)).height == 42
    assert measure_row(segments, sure(None, None, None, None)).height == 44
    assert measure_row((), sure()).height == 0


def test_marks_are_not_large() -> None:
    assert is_large(segment_of(0, 1, 40), HEIGHT)
    assert not is_large(segment_of(0, 1, 8), HEIGHT)


def test_only_wanted_texts_are_tried_however_unlikely_their_digits() -> None:
    lattice = lattice_of(2)
    texts = decode(lattice, sure(4, 7, chance=0.999), ROW, only=["41", "90", "123"])
    assert sorted(text.text for text in texts) == ["41", "90"]
    assert texts[0].text == "41"
    assert texts[0].weight == pytest.approx(math.log(0.999) + math.log(0.0001), abs=0.01)
    assert decode(lattice, sure(4, 7), ROW, only=["123"]) == ()


def test_a_sign_of_the_pattern_may_be_large_and_its_lack_tells_against_a_text() -> None:
    lattice = lattice_of(4)
    probs = np.concatenate([sure(4), sure(1, chance=0.6), sure(7), sure(5)])
    probs[1, NOT_A_DIGIT] = 0.4  # a slash that looks like a 1
    assert decode(lattice, probs, ROW)[0].text == "4175"
    field = replace(lattice.field, rule=Rule(pattern="#/##"))
    assert find_signs(field) == {1}
    ruled = {text.text: text for text in decode(replace(lattice, field=field), probs, ROW)}
    plain = {text.text: text for text in decode(lattice, probs, ROW)}
    assert ruled["475"].weight - plain["475"].weight == pytest.approx(math.log(SIGN / SKIP_LARGE), abs=0.01)
    assert ruled["4175"].weight - plain["4175"].weight == pytest.approx(math.log(SIGN_LACKING), abs=0.01)


def test_signs_between_cells_are_printed_and_others_written() -> None:
    rule = Rule(pattern="##-##/#")
    assert find_signs(replace(field_of(5), rule=rule)) == {2, 4}
    assert find_signs(replace(field_of(5, comb=1), rule=rule)) == set()
    assert find_signs(field_of(5)) == set()


LONG = Box(100 + 2 * WIDTH, 50 - 10, WIDTH, HEIGHT + 16)
"""The ink of a stroke that stands out above its row and below it."""


@pytest.mark.parametrize(
    ("box", "lean", "text"),
    [
        (LONG, 0.5, "1275"),
        (LONG, 0.0, "12175"),
        (segment_of(2, 3).box, 0.8, "1275"),
        (segment_of(2, 3).box, 0.2, "12175"),
        (segment_of(2, 3).box, -0.5, "12175"),
    ],
)
def test_a_one_that_leans_and_stands_out_between_digits_is_a_slash(box: Box, lean: float, text: str) -> None:
    lattice = lattice_of(5)
    leaning = Segment(2, 3, box, lean=lean)
    lattice = replace(lattice, segments=(*lattice.segments[:2], leaning, *lattice.segments[3:]))
    texts = decode(lattice, sure(1, 2, 1, 7, 5), ROW)
    assert texts[0].text == text
    assert texts[0].posterior > 0.6
    (step,) = [step for step in texts[0].steps if step.segment == leaning]
    assert step.chance > 0.5


@pytest.mark.parametrize("place", [0, 4])
def test_no_number_begins_or_ends_with_a_slash(place: int) -> None:
    lattice = lattice_of(5)
    segments = [replace(segment, lean=0.8 * (segment.start == place)) for segment in lattice.segments]
    assert decode(replace(lattice, segments=tuple(segments)), sure(1, 2, 3, 4, 1), ROW)[0].text == "12341"


def test_behind_a_slash_a_speck_is_no_digit() -> None:
    segments = (segment_of(0, 1), segment_of(1, 2), Segment(2, 3, segment_of(2, 3).box, lean=0.8), segment_of(3, 4, 8))
    assert decode(Lattice(field_of(4), 5, segments), sure(1, 2, 1, None), ROW)[0].text == "121"


SLANTED = tuple(Segment(i, i + 1, segment_of(i, i + 1).box, lean=0.8 * (i == 1)) for i in range(3))
"""Three strokes, of which the second leans."""


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule(), "15"),
        (Rule(type="date", format="d/m"), "15"),
        (Rule(pattern="###"), "115"),
        (Rule(type="integer"), "115"),
        (Rule(type="decimal"), "115"),
    ],
)
def test_no_slash_where_the_rule_has_none(rule: Rule, text: str) -> None:
    lattice = Lattice(replace(field_of(3), rule=rule), 4, SLANTED)
    assert decode(lattice, sure(1, 1, 5), ROW)[0].text == text


def test_in_the_cells_of_a_comb_nobody_writes_a_slash() -> None:
    assert decode(Lattice(field_of(3, comb=1), 4, SLANTED), sure(1, 1, 5), ROW)[0].text == "115"


def test_a_stroke_that_was_cut_off_is_no_slash() -> None:
    segments = tuple(replace(segment, cut=True) for segment in SLANTED)
    assert decode(Lattice(field_of(3), 4, segments), sure(1, 1, 5), ROW)[0].text == "115"

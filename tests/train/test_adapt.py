"""Learning from what people said: what is learned, what is refused, and what is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from docproc.clean.tone import even
from docproc.errors import InputError, OptionsError
from docproc.options import load_options
from docproc.recognize.classifier import find_weights
from docproc.recognize.models import Models, load_models
from docproc.records.looked import LookedField, LookedPage
from docproc.records.matching import Answer
from docproc.train.adapt import (
    Adaptation,
    Plan,
    adapt,
    draw_pages,
    judge_word,
    recall_options,
    split_lessons,
    take_lesson,
)
from docproc.train.adapt_compare import see
from docproc.train.adapt_learn import Pace
from docproc.train.adapt_report import render_adaptation, write_report
from docproc.train.adapt_site import draw_odd_hand, write_number
from docproc.train.adapt_strips import align, cut_page, find_said, label_crops, open_strip, see_digits, split_crops
from docproc.train.sheet import Area, Pen, start_sheet
from docproc.types import NOT_A_DIGIT, Box

pytestmark = pytest.mark.skipif(not find_weights(None).is_file(), reason="no trained weights yet")
DPI = 300
OPTIONS = load_options()
TINY = Plan(fields=100, validation=100, crops=Pace(4, 8, 8, 1e-4), rows=Pace(2, 4, 4, 1e-4))


def write_strip(rng: np.random.Generator, text: str) -> bytes:
    """A number by an odd hand, as a ledger keeps it."""
    sheet = start_sheet(rng, 56, 12, DPI)
    write_number(sheet, draw_odd_hand(rng), Pen(), [int(digit) for digit in text], Area(0, 0, 56, 12))
    gray = even((sheet.picture.mean(2).clip(0, 1) * 255).astype(np.uint8), DPI)
    return cv2.imencode(".png", gray)[1].tobytes()


def make_page(number: int, texts: Sequence[str], key: Callable[[str], str] = str) -> LookedPage:
    """A page of numbers on which somebody keyed every field."""
    rng = np.random.default_rng([7, number])
    fields = [
        LookedField(str(i), write_strip(rng, text), "", Box(0, 80 * i, 440, 70), Answer("value", key(text)))
        for i, text in enumerate(texts)
    ]
    return LookedPage(f"{number:064x}", 1, tuple(fields))


def draw_texts(number: int) -> list[str]:
    """Four numbers with a 1 in each."""
    rng = np.random.default_rng([8, number])
    return ["1" + "".join(str(rng.choice(list("0234568"))) for _ in range(2)) for _ in range(4)]


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models(None, "cpu")


@pytest.fixture(scope="module")
def pages() -> list[LookedPage]:
    """A site of twelve pages, keyed right."""
    return [make_page(number, draw_texts(number)) for number in range(12)]


def test_digits_that_people_said_become_labelled_crops(models: Models) -> None:
    page = make_page(1, ["2034", "568"])
    cut = cut_page(page)
    seen = see(cut, models, OPTIONS)
    for number, (field, crops) in enumerate(zip(cut.fields, split_crops(cut), strict=True)):
        steps = align(seen.drafts[number], find_said(field) or "")
        assert steps is not None
        digits = [step for step in steps if step.digit is not None]
        assert "".join(str(step.digit) for step in digits) == find_said(field)
        assert all(a.segment.box.x < b.segment.box.x for a, b in pairwise(digits))
        assert [laid.said for laid in see_digits(seen.drafts[number], steps)] == [step.digit for step in digits]
        made = label_crops(cut.proposals[number], crops, steps)
        whole = made.labels[made.labels != NOT_A_DIGIT]
        assert set(whole.tolist()) == {step.digit for step in digits}
        assert set(made.styles.tolist()) == {-1}
        # What is labelled is the very crop that the nets see there.
        order = {(s.start, s.stop): i for i, s in enumerate(cut.proposals[number].lattice.segments)}
        for step in digits:
            crop = crops[order[step.segment.start, step.segment.stop]]
            assert any(np.array_equal(crop, other) for other in made.crops[made.labels == step.digit])


@pytest.mark.parametrize("said", ["", "2", "20", "203412345678"])
def test_a_text_that_does_not_fit_the_ink_teaches_nothing(models: Models, said: str) -> None:
    seen = see(cut_page(make_page(1, ["2034"])), models, OPTIONS)
    assert align(seen.drafts[0], said) is None


def test_a_halved_and_a_doubled_digit_are_no_digits(models: Models) -> None:
    cut = cut_page(make_page(2, ["8080"]))
    seen = see(cut, models, OPTIONS)
    steps = align(seen.drafts[0], "8080")
    assert steps is not None
    made = label_crops(cut.proposals[0], cut.prepared.crops, steps)
    segments = cut.proposals[0].lattice.segments
    places = [(step.segment.start, step.segment.stop) for step in steps]
    joined = [s for s in segments if sum(s.start <= a and b <= s.stop for a, b in places) > 1]
    assert (made.labels == NOT_A_DIGIT).sum() >= len(joined)


def test_strips_that_cannot_be_opened_are_left_out() -> None:
    page = make_page(3, ["12"])
    bomb = page.fields[0].strip[:16] + (60_000).to_bytes(4, "big") * 2 + page.fields[0].strip[24:]
    for strip in (b"", b"no picture", b"\x00docproc-sealed-1\x00abc", page.fields[0].strip[:60], bomb):
        assert open_strip(strip) is None
    broken = LookedPage("0", 1, (replace(page.fields[0], strip=b""), page.fields[0]))
    cut = cut_page(broken)
    assert cut.fields == (page.fields[0],)
    assert len(cut.prepared.lattices) == len(cut.prepared.lines) == 1


def test_the_same_seed_holds_out_the_same_pages(pages: list[LookedPage]) -> None:
    untouched = LookedPage("f" * 64, 1, (replace(pages[0].fields[0], said=None),))
    drawn = draw_pages([*pages, untouched], seed=1)
    assert drawn == draw_pages([untouched, *reversed(pages)], seed=1)
    assert drawn != draw_pages(pages, seed=2)
    assert untouched not in drawn
    held_out, learned = split_lessons([take_lesson_of(page) for page in drawn])  # type: ignore[list-item]
    assert len(held_out) == 4
    assert not {id(page) for page in held_out} & {id(page) for page in learned}
    assert len(held_out) + len(learned) == 12


def take_lesson_of(page: LookedPage) -> LookedPage:
    """What is split need not be lessons."""
    return page


def one_too_high(text: str) -> str:
    return "".join(str((int(digit) + 1) % 10) for digit in text)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (lambda text: text.replace("1", "7"), r"sure to be 1, \d+ are said to be others, mostly 7"),
        (one_too_high, "are said to be others"),
        (lambda text: text + "0000", "values fit the ink"),
    ],
)
def test_poisoned_corrections_are_refused_with_a_reason(models: Models, key: Callable[[str], str], reason: str) -> None:
    poisoned = [make_plain_page(number, key) for number in range(12)]
    lessons = [take_lesson(page, models, OPTIONS) for page in poisoned]
    with pytest.raises(InputError, match=rf"not learned from: .*{reason}.*look at these fields again"):
        judge_word(lessons)


def make_plain_page(number: int, key: Callable[[str], str]) -> LookedPage:
    """A page whose 1s are a plain stroke, so that both readers are sure of them."""
    rng = np.random.default_rng([9, number])
    fields = []
    for i, text in enumerate(draw_texts(number)):
        sheet = start_sheet(rng, 56, 12, DPI)
        hand = draw_odd_hand(rng)
        shapes = ("14,0 11,50 8,100", "6,22 20,4 42,3 56,20 48,45 24,75 4,97 | 32,97 64,94")
        plain = replace(hand, style=0, shapes=(hand.shapes[0], *shapes, *hand.shapes[3:]))
        write_number(sheet, plain, Pen(), [int(digit) for digit in text], Area(0, 0, 56, 12))
        gray = even((sheet.picture.mean(2).clip(0, 1) * 255).astype(np.uint8), DPI)
        strip = cv2.imencode(".png", gray)[1].tobytes()
        fields.append(LookedField(str(i), strip, "", Box(0, 80 * i, 440, 70), Answer("value", key(text))))
    return LookedPage(f"{number:064x}", 1, tuple(fields))


def test_few_pages_are_too_little_to_learn_from(models: Models, pages: list[LookedPage]) -> None:
    lessons = [take_lesson(page, models, OPTIONS) for page in pages[:3]]
    with pytest.raises(InputError, match=r"too little to learn from: .* on 3 pages and 10 are needed; review more"):
        judge_word(lessons)


def test_missing_training_sets_are_said_before_any_work(tmp_path: Path, pages: list[LookedPage]) -> None:
    with (
        pytest.raises(InputError, match=r"lacks mnist_train\.npz.*point --data"),
        adapt(pages, OPTIONS, None, tmp_path, tmp_path / "sets", TINY, 1),
    ):
        pass
    assert not (tmp_path / "sets").exists()


@pytest.mark.slow
def test_a_challenger_is_made_and_held_against_the_champion(
    digit_sets: Path, tmp_path: Path, pages: list[LookedPage], models: Models
) -> None:
    with adapt(pages, OPTIONS, None, digit_sets, tmp_path / "sets", TINY, 1) as made:
        assert (made.learned, made.held_out) == (8, 4)
        assert (made.before.fields, made.before.looked) == (16, 16)
        assert made.trust.values == 48
        assert {figure.name for figure in made.figures} >= {"MNIST digits", "UNIPEN digits", "composed rows"}
        challenger = load_models(made.weights, "cpu")
        assert challenger.digest != models.digest
        assert challenger.calibration.partner == challenger.line_reader.digest
        assert challenger.calibration.checked == models.calibration.checked
        assert_told(made, tmp_path / "report.html")
        folder = made.weights.parent
    assert not folder.exists()


def assert_told(made: Adaptation, page: Path) -> None:
    """The tables name what was found, and the page shows them."""
    text = render_adaptation(made)
    assert f"wrong, of {made.before.looked} that people looked at" in text
    assert all(reason in text for reason in made.reasons)
    write_report(made, page)
    html = page.read_text("utf-8")
    assert "<script" not in html
    assert html.count("data:image/png;base64,") == len(made.changes)


def test_the_options_of_a_run_are_recalled_from_its_ledger() -> None:
    about = '{"docproc": "1", "options": {"max_error": 0.001, "style": "european", "strips": true}}'
    options = recall_options(about)
    assert (options.max_error, options.style, options.strips) == (0.001, "european", False)
    for broken in ("", "[]", '{"options": 3}'):
        with pytest.raises(OptionsError, match="read them anew"):
            recall_options(broken)
    with pytest.raises(OptionsError, match="unheard"):
        recall_options('{"options": {"unheard": 1}}')

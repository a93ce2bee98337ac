"""A page's digits settle the style of its ambiguous ones; what a crop says of being no digit stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from docproc.options import Options, Recipe
from docproc.recognize.style import settle
from docproc.types import NEUTRAL, NOT_A_DIGIT, Joint, Probs

AMERICAN, EUROPEAN = 0, 1


def recipe(style: str = "auto", calibration: tuple[float, float] = (1.0, 0.0)) -> Recipe:
    return Recipe(Options.model_validate({"style": style}), "digest", replace(NEUTRAL, style=calibration))


def chances(*entries: tuple[int, int, float]) -> Joint:
    """One crop: style, class and chance of each entry, what is left spread evenly over the rest: [1, 2, 11]."""
    table = np.zeros((2, 11))
    for style, label, chance in entries:
        table[style, label] = chance
    rest = table == 0
    table[rest] = (1 - table.sum()) / rest.sum()
    return table[None].astype(np.float32)


UPSTROKE = chances((EUROPEAN, 1, 0.45), (AMERICAN, 7, 0.45), (AMERICAN, NOT_A_DIGIT, 0.05))
"""An uncrossed stroke with an upstroke."""
CROSSED = chances((EUROPEAN, 7, 0.9), (AMERICAN, 7, 0.05))
HOOKED = chances((EUROPEAN, 1, 0.85), (AMERICAN, 1, 0.1))
STICK = chances((AMERICAN, 1, 0.9), (EUROPEAN, 1, 0.05))
PLAIN = chances((AMERICAN, 7, 0.9), (EUROPEAN, 1, 0.05))
ROUND = chances((AMERICAN, 0, 0.48), (EUROPEAN, 0, 0.48))
PAGES = {"european": np.concatenate([CROSSED, HOOKED, ROUND]), "american": np.concatenate([STICK, PLAIN, ROUND])}


def first(probs: Probs) -> np.ndarray:
    assert probs.shape[1:] == (11,)
    assert probs.dtype == np.float32
    return probs[0]


@pytest.mark.parametrize("company", [0, 1, 20])
def test_ambiguous_crop_stays_so_alone_and_among_digits_that_say_nothing(company: int) -> None:
    row = first(settle(np.concatenate([UPSTROKE, *[ROUND] * company]), recipe()))
    assert row[1] == pytest.approx(row[7], abs=1e-3)
    assert row[1] == pytest.approx(0.45, abs=0.02)


def test_two_ambiguous_crops_do_not_settle_each_other() -> None:
    both = settle(np.concatenate([UPSTROKE, UPSTROKE]), recipe())
    assert both[:, 1] == pytest.approx(both[:, 7], abs=1e-3)


@pytest.mark.parametrize(("page", "label"), [("european", 1), ("american", 7)])
def test_page_settles_what_the_crop_alone_cannot_tell(page: str, label: int) -> None:
    row = first(settle(np.concatenate([UPSTROKE, PAGES[page]]), recipe()))
    assert row.argmax() == label
    assert row[label] > 20 * row[8 - label]


@pytest.mark.parametrize(("style", "label"), [("european", 1), ("american", 7)])
@pytest.mark.parametrize("page", PAGES)
def test_given_style_goes_before_what_the_page_says(style: str, label: int, page: str) -> None:
    alone = first(settle(UPSTROKE, recipe(style)))
    assert alone.argmax() == label
    assert alone[label] > 20 * alone[8 - label]
    assert first(settle(np.concatenate([UPSTROKE, PAGES[page]]), recipe(style))) == pytest.approx(alone, abs=1e-6)


def test_one_clear_digit_of_another_hand_stands_against_its_page() -> None:
    clear = chances((AMERICAN, 7, 0.998), (EUROPEAN, 1, 0.001))
    assert first(settle(np.concatenate([clear, *[PAGES["european"]] * 30]), recipe())).argmax() == 7


@pytest.mark.parametrize("style", ["auto", "european", "american"])
def test_chance_of_being_no_digit_is_unchanged_and_rows_are_distributions(style: str) -> None:
    joint = np.random.default_rng(3).dirichlet(np.full(22, 0.2), 50).reshape(50, 2, 11).astype(np.float32)
    probs = settle(joint, recipe(style))
    assert probs[:, NOT_A_DIGIT] == pytest.approx(joint[:, :, NOT_A_DIGIT].sum(1), abs=1e-6)
    assert probs.sum(1) == pytest.approx(np.ones(50), abs=1e-5)
    assert probs.min() >= -1e-6


def test_pieces_that_are_no_digits_have_no_say() -> None:
    piece = chances((EUROPEAN, NOT_A_DIGIT, 0.9), (EUROPEAN, 7, 0.0999))
    quiet = chances((EUROPEAN, NOT_A_DIGIT, 0.999), (EUROPEAN, 7, 0.000999))
    loud, still = (first(settle(np.concatenate([UPSTROKE, *[part] * 3]), recipe())) for part in (piece, quiet))
    assert loud[1] > 2 * loud[7]
    assert still[1] == pytest.approx(still[7], rel=0.05)


def test_order_of_the_crops_is_irrelevant() -> None:
    joint = np.concatenate([UPSTROKE, *PAGES.values(), UPSTROKE, PAGES["european"]])
    order = np.random.default_rng(1).permutation(len(joint))
    assert settle(joint[order], recipe()) == pytest.approx(settle(joint, recipe())[order], abs=1e-6)


def test_calibration_says_how_much_a_crop_says_and_from_where() -> None:
    page = np.concatenate([UPSTROKE, PAGES["european"]])
    deaf = first(settle(page, recipe(calibration=(0.0, 0.0))))
    assert deaf[1] == pytest.approx(deaf[7], abs=1e-3)
    timid, bold = (first(settle(page, recipe(calibration=(weight, 0.0))))[1] for weight in (0.2, 1.0))
    assert deaf[1] < timid < bold
    shifted = first(settle(np.concatenate([UPSTROKE, UPSTROKE]), recipe(calibration=(1.0, 1.0))))
    assert shifted[7] > 2 * shifted[1]


@pytest.mark.parametrize("style", ["auto", "european", "american"])
def test_page_without_crops_has_no_rows(style: str) -> None:
    probs = settle(np.zeros((0, 2, 11), np.float32), recipe(style))
    assert probs.shape == (0, 11)
    assert probs.dtype == np.float32

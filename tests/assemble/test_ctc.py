"""Texts along columns: their chances are those of the definition, and the search finds the likeliest."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from docproc.assemble.ctc import find_taken_back, score_texts, speak
from docproc.types import NOT_A_DIGIT, TAKEN_BACK, Frames


def columns_of(*classes: int, chance: float = 0.9) -> Frames:
    """One class is likely in each column, the others share the rest."""
    frames = np.full((len(classes), 11), (1 - chance) / 10, np.float32)
    frames[np.arange(len(classes)), list(classes)] = chance
    return frames


def spell(path: tuple[int, ...]) -> str:
    turns = [sign for i, sign in enumerate(path) if i == 0 or sign != path[i - 1]]
    return "".join(str(sign) for sign in turns if sign != NOT_A_DIGIT)


def add_up(frames: Frames) -> dict[str, float]:
    """The definition, word for word: the chance of each text is the sum over all paths that spell it."""
    chances: dict[str, float] = {}
    for path in product(range(11), repeat=len(frames)):
        chance = float(np.prod([column[sign] for column, sign in zip(frames.astype(float), path, strict=True)]))
        chances[spell(path)] = chances.get(spell(path), 0.0) + chance
    return chances


@pytest.fixture
def frames() -> Frames:
    """Four columns of which nobody can be sure."""
    scores: NDArray[np.float64] = np.random.default_rng(5).normal(0, 2, (4, 11))
    return (np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).astype(np.float32)


def test_scores_are_the_sum_over_all_paths(frames: Frames) -> None:
    chances = add_up(frames)
    texts = ["", "1", "22", "707", "9012", "8"]
    assert np.exp(score_texts(frames, texts)) == pytest.approx([chances[text] for text in texts], rel=1e-5)


def test_search_finds_the_likeliest_text_and_its_chance(frames: Frames) -> None:
    chances = add_up(frames)
    best, *others = speak(frames)
    assert best.text == max(chances, key=lambda text: chances[text])
    assert np.exp(best.score) == pytest.approx(chances[best.text], rel=0.05)
    assert all(best.score >= other.score for other in others)


def test_same_digit_twice_needs_something_between() -> None:
    none = NOT_A_DIGIT
    assert speak(columns_of(1, 1, none, none, 7))[0].text == "17"
    assert speak(columns_of(1, none, 1, none, 7))[0].text == "117"


def test_nothing_to_read_is_the_empty_text() -> None:
    assert score_texts(columns_of(NOT_A_DIGIT, NOT_A_DIGIT), [""]) == pytest.approx(2 * np.log(0.9), abs=0.01)
    assert speak(columns_of(NOT_A_DIGIT, NOT_A_DIGIT))[0].text == ""
    assert speak(np.zeros((0, 11), np.float32))[0].text == ""


def test_text_longer_than_the_row_is_as_good_as_impossible() -> None:
    (score,) = score_texts(columns_of(1, 2), ["1234"])
    assert score < -100


def widen(frames: Frames, sign: int, *columns: int) -> Frames:
    """Columns as the reader has them, in some of which a digit was taken back."""
    wide = np.concatenate([frames, np.zeros((len(frames), 2), np.float32)], 1)
    wide[list(columns)] = 0
    wide[list(columns), sign] = 1
    return wide


@pytest.mark.parametrize("sign", TAKEN_BACK)
def test_digit_that_was_taken_back_is_named_and_parts_digits_as_paper_does(sign: int) -> None:
    frames = columns_of(1, NOT_A_DIGIT, 1)
    taken_back = widen(frames, sign, 1)
    assert find_taken_back(taken_back) == (TAKEN_BACK[sign],)
    assert find_taken_back(widen(frames, sign)) == find_taken_back(np.zeros((0, 13), np.float32)) == ()
    paper = widen(frames, NOT_A_DIGIT, 1)
    assert speak(taken_back) == speak(paper)
    assert speak(taken_back)[0].text == "11"
    assert score_texts(taken_back, ["11", "1"]) == pytest.approx(score_texts(paper, ["11", "1"]))


def test_long_row_does_not_underflow() -> None:
    digits = [i % 10 for i in range(60)]
    frames = columns_of(*(sign for digit in digits for sign in (digit, NOT_A_DIGIT)), chance=0.5)
    text = "".join(map(str, digits))
    (score,) = score_texts(frames, [text])
    assert speak(frames)[0].text == text
    assert np.isfinite(score)
    assert 120 * np.log(0.5) < score < 0

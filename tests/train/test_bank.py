"""Glyphs are sorted for composing, and fields are composed in chunks from a seed, whoever composes them."""

from __future__ import annotations

import shutil
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from docproc.errors import InputError
from docproc.train.bank import (
    CHUNK,
    DRAWN_SHARE,
    PRINTED_SHARE,
    SEPARATORS,
    SIGNS,
    SLASH_LEANS,
    Bank,
    make_bank,
    map_fields,
)
from docproc.train.data import Glyph, is_held_out, load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.types import NOT_A_DIGIT

BAR = np.full((30, 8), 255, np.uint8)
DIGIT = Glyph(1, "1", "unipen/a", bitmap=BAR)


def mark(name: str, bitmap: np.ndarray = BAR) -> Glyph:
    return Glyph(NOT_A_DIGIT, name, "unipen/a", bitmap=bitmap)


def test_bank_sorts_digits_by_writer_marks_by_name_and_the_rest_as_letters(digit_sets: Path) -> None:
    glyphs = (*load_glyphs(digit_sets, False), *printed_glyphs(digits=True))
    bank = make_bank(glyphs, printed_glyphs(digits=False))
    assert all(glyph.label == label for writer in bank.writers for label, glyphs in writer.items() for glyph in glyphs)
    assert all(len({glyph.writer for own in writer.values() for glyph in own}) == 1 for writer in bank.writers)
    assert set(bank.marks) <= {*SEPARATORS, *SIGNS}
    assert {"-", "/", "=", ","} <= set(bank.marks)
    assert all(glyph.label == NOT_A_DIGIT and glyph.name not in SEPARATORS for glyph in bank.letters)
    assert bank.weights.sum() == pytest.approx(1)
    printed = np.array([next(iter(writer.values()))[0].writer.startswith("print/") for writer in bank.writers])
    assert bank.weights[printed].sum() == pytest.approx(PRINTED_SHARE)
    assert bank.drawn == 0


def test_letters_that_stand_among_digits_are_at_hand_and_stay_letters() -> None:
    glyphs = [mark(name) for name in ("C", "c", "X", "K")]
    bank = make_bank([DIGIT, *glyphs], ())
    assert bank.letters == tuple(glyphs)
    assert bank.marks == {"C": glyphs[:2], "X": glyphs[2:3]}


def test_colon_is_a_separator_and_no_letter() -> None:
    colon = mark(":")
    bank = make_bank([DIGIT, colon, mark("K")], ())
    assert bank.marks[":"] == [colon]
    assert [glyph.name for glyph in bank.letters] == ["K"]


@pytest.mark.parametrize(("lean", "kept"), [(0.5 * SLASH_LEANS, False), (1.5 * SLASH_LEANS, True)])
def test_slash_that_stands_upright_is_left_out_for_it_is_a_1(lean: float, kept: bool) -> None:
    drawn = mark("/", np.full((40, round(40 * lean)), 255, np.uint8))
    stroke = np.array([[lean, 0], [0, 1]], np.float32)
    written = Glyph(NOT_A_DIGIT, "/", "unipen/a", strokes=(stroke[:1], stroke))
    for glyph in (drawn, written):
        bank = make_bank([DIGIT, glyph], ())
        assert bank.marks.get("/", []) == ([glyph] if kept else [])
        assert bank.letters == ()


def test_prolific_writers_are_taken_more_often() -> None:
    digits = [Glyph(1, "1", "mnist/few", bitmap=BAR)] * 10 + [Glyph(1, "1", "mnist/many", bitmap=BAR)] * 240
    weights = make_bank([*digits, Glyph(1, "1", "print/face", bitmap=BAR)], []).weights
    assert weights[1] / weights[0] == pytest.approx(4 / 0.5)
    assert weights.sum() == pytest.approx(1)


def show_bank(rng: np.random.Generator, bank: Bank) -> tuple[float, float, frozenset[str]]:
    """A field of which it is seen what it was made of."""
    names = {glyph.writer for writer in bank.writers for glyphs in writer.values() for glyph in glyphs}
    return float(rng.random()), bank.drawn, frozenset(names)


def test_fields_come_in_chunks_that_depend_on_the_seed_and_not_on_the_workers(digit_sets: Path) -> None:
    fields = CHUNK + 1
    alone, together, other = (
        [[draw for draw, _, _ in chunk] for chunk in map_fields(show_bank, digit_sets, fields, False, seed, workers)]
        for seed, workers in ((1, 1), (1, 2), (2, 1))
    )
    assert [len(chunk) for chunk in alone] == [CHUNK, CHUNK]
    assert alone == together
    draws = [draw for chunks in (alone, other) for chunk in chunks for draw in chunk]
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize(("held_out", "drawn"), [(False, DRAWN_SHARE), (True, 0.0)])
def test_each_side_is_composed_of_its_own_writers_and_only_training_of_invented_hands(
    digit_sets: Path, held_out: bool, drawn: float
) -> None:
    ((field, *_),) = map_fields(show_bank, digit_sets, 1, held_out, 1, 1)
    assert field[1] == drawn
    writers = [name for name in field[2] if not name.startswith("print/")]
    assert len(writers) > 3
    assert all(is_held_out(name) is held_out for name in writers)


def test_unreadable_set_ends_the_composing_and_does_not_hang(digit_sets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(digit_sets, tmp_path / "digits")
    (folder / "semeion.npz").unlink()
    with pytest.raises(InputError, match=r"lacks semeion\.npz"):
        next(map_fields(show_bank, folder, CHUNK, False, 1, 1))
    (folder / "semeion.npz").write_bytes(b"cut short")
    with pytest.raises(BrokenProcessPool):
        next(map_fields(show_bank, folder, CHUNK, False, 1, 1))

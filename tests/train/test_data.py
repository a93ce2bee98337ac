"""Glyphs of every set, each writer on one side of the split only."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from docproc.errors import InputError
from docproc.train.data import LOOK_ALIKES, Glyph, draw_glyph, is_held_out, load_glyphs, load_mnist
from docproc.types import NOT_A_DIGIT

SETS = {"mnist", "unipen", "optdigits_train", "semeion", "symbols"}


def test_a_fifth_of_the_writers_validates() -> None:
    share = np.mean([is_held_out(f"somebody/{i}") for i in range(5000)])
    assert share == pytest.approx(0.2, abs=0.02)


def test_split_is_the_same_for_all_time() -> None:
    """Weights in use were trained on these sides: another split would validate on what was trained."""
    assert [i for i in range(30) if is_held_out(f"mnist/{i}")] == [6, 9, 10, 14, 16, 19, 21]


def test_no_writer_is_on_both_sides_and_each_set_is_on_both(digit_sets: Path) -> None:
    training, validation = (load_glyphs(digit_sets, held_out) for held_out in (False, True))
    assert not {glyph.writer for glyph in training} & {glyph.writer for glyph in validation}
    for side in (training, validation):
        assert {glyph.writer.split("/")[0] for glyph in side} - {"omniglot"} == SETS
        assert {glyph.label for glyph in side} == set(range(11))
    assert any(glyph.writer.startswith("omniglot/") for glyph in training)
    assert len(training) > 2 * len(validation)


def test_what_might_be_a_digit_or_is_badly_cut_is_left_out(digit_sets: Path) -> None:
    every = [*load_glyphs(digit_sets, False), *load_glyphs(digit_sets, True)]
    names = {glyph.name for glyph in every if glyph.label == NOT_A_DIGIT}
    assert "division_slash" not in names
    assert "o" not in names
    assert {"-", "=", ",", "/", "a", "K", "addition_plus"} <= names
    assert names & LOOK_ALIKES == {",", "/"}
    writers = {glyph.writer for glyph in every}
    assert not any(writer.startswith("unipen/ibm") for writer in writers)
    assert not any("Greek" in writer or "Latin" in writer for writer in writers)
    assert any("Korean" in writer for writer in writers)


def test_bitmaps_are_tight_and_strokes_are_a_unit_high_with_y_downward(digit_sets: Path) -> None:
    glyphs = load_glyphs(digit_sets, False)
    for glyph in glyphs:
        if glyph.bitmap is not None:
            used = glyph.bitmap > 64
            assert used[0].any() and used[-1].any() and used[:, 0].any() and used[:, -1].any()  # noqa: PT018
        else:
            every = np.concatenate(glyph.strokes)
            assert every.min() == pytest.approx(0, abs=1e-5)
            width, height = np.ptp(every, axis=0)
            assert max(height, width / 2) == pytest.approx(1, abs=1e-5)
    sevens = [glyph for glyph in glyphs if glyph.label == 7 and glyph.strokes]
    assert sevens
    # A 7 begins with its bar, at the top.
    assert all(glyph.strokes[0][0, 1] < 0.4 for glyph in sevens)


def test_mnist_keeps_its_crops_and_splits_by_writer(digit_sets: Path) -> None:
    (crops, labels), (held_crops, held_labels) = (load_mnist(digit_sets, held_out) for held_out in (False, True))
    assert crops.shape[1:] == held_crops.shape[1:] == (28, 28)
    assert (len(crops), len(held_crops)) == (len(labels), len(held_labels)) == (120, 40)
    assert labels.dtype == np.int64


def test_folder_without_digits_is_named_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks mnist_train\.npz.*point --data"):
        load_glyphs(tmp_path, False)


ONE = np.zeros((40, 20), np.uint8)
ONE[:, 8:12] = 255
BITMAP = Glyph(1, "1", "me", bitmap=ONE)
STROKES = Glyph(1, "1", "me", strokes=(np.array([(0.1, 0), (0.1, 1)], np.float32),))


@pytest.mark.parametrize("glyph", [BITMAP, STROKES], ids=["bitmap", "strokes"])
@pytest.mark.parametrize("height", [30, 75])
def test_drawn_glyph_has_its_height_and_a_thicker_pen_leaves_more_ink(glyph: Glyph, height: int) -> None:
    ink = []
    for pen in (0.06 * height, 0.16 * height):
        drawn = draw_glyph(np.random.default_rng(0), glyph, height, pen)
        assert drawn.dtype == np.float32
        assert 0 <= drawn.min() <= drawn.max() <= 1
        rows = np.flatnonzero((drawn > 0.5).any(1))
        assert np.ptp(rows) + 1 == pytest.approx(height, rel=0.12)
        ink.append(drawn.sum() / height**2)
    assert ink[1] > 1.3 * ink[0]


def test_stretched_glyph_gets_the_width_of_writing_back() -> None:
    filled = np.full((32, 32), 255, np.uint8)
    for label, narrowest, widest in ((1, 0.15, 0.55), (8, 0.45, 0.9)):
        glyph = Glyph(label, str(label), "me", bitmap=filled, stretched=True)
        for seed in range(5):
            drawn = draw_glyph(np.random.default_rng(seed), glyph, 50, 5)
            width = np.ptp(np.flatnonzero((drawn > 0.5).any(0))) + 1
            assert narrowest * 50 <= width <= widest * 50 + 4


def test_countries_say_the_style_of_digits_and_of_nothing_else(digit_sets: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(digit_sets, tmp_path / "digits")
    with np.load(folder / "unipen_strokes.npz") as file:
        sets = dict(file)
    sets["country"] = np.array(["USA", "Germany", "XX"])[np.arange(len(sets["label"])) % 3]
    np.savez(folder / "unipen_strokes.npz", **sets)
    every = [*load_glyphs(folder, False), *load_glyphs(folder, True)]
    told = {glyph.style for glyph in every if glyph.writer.startswith("unipen/") and glyph.label != NOT_A_DIGIT}
    assert told == {-1, 0, 1}
    assert {glyph.style for glyph in every if glyph.label == NOT_A_DIGIT} == {-1}
    assert {glyph.style for glyph in every if glyph.writer.startswith("mnist/")} == {-1}

"""What is wrong with a scan travels with its page, and with the fields that it may have changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.errors import PageError
from docproc.flow.forms import load_forms
from docproc.flow.pipeline import prepare
from docproc.options import Options, Recipe
from docproc.train.draw import draw_comb_form
from docproc.train.paper import scan, to_bytes, to_grey
from docproc.types import NEUTRAL, Gray, PageRef, PreparedPage

FORM = Path(__file__).resolve().parents[2] / "samples" / "comb" / "meter-card.toml"
PAGES = Recipe(Options(), "digest", NEUTRAL)
STREAK_X = 1000
"""In the first four fields of the card, and far from the fifth, which has two cells."""


@pytest.fixture(scope="module")
def card() -> Gray:
    picture, _ = scan(np.random.default_rng(7), draw_comb_form(3, dpi=200).picture, 0.2)
    return to_bytes(to_grey(picture))


@pytest.fixture(scope="module")
def with_form() -> Recipe:
    return Recipe(Options(), "digest", NEUTRAL, load_forms([FORM], Options()))


def streaked(gray: Gray) -> Gray:
    dirty = gray.copy()
    dirty[:, STREAK_X - 1 : STREAK_X + 2] //= 2
    return dirty


def prepared(folder: Path, gray: Gray, recipe: Recipe, dpi: float | None = 200) -> PreparedPage:
    path = folder / "page.png"
    Image.fromarray(gray).save(path, **({} if dpi is None else {"dpi": (dpi, dpi)}))
    return prepare(PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1), recipe)


def marked(page: PreparedPage, flag: str) -> dict[str, bool]:
    return {lattice.field.name: flag in lattice.flags for lattice in page.lattices}


def is_streak_at(page: PreparedPage, axis: str, at: int) -> bool:
    """Whether the page's one flag is a streak there, to two pixels."""
    (flag,) = page.flags
    name, place, found = flag.split("=")
    return (name, place) == ("streak", axis) and abs(int(found) - at) <= 2


def test_good_scan_has_no_flags(tmp_path: Path, card: Gray, with_form: Recipe) -> None:
    for recipe in (PAGES, with_form):
        page = prepared(tmp_path, card, recipe)
        assert page.flags == ()
        assert len(page.lattices) >= 6
        assert not any(marked(page, "streaked").values())


def test_streak_marks_the_fields_it_crosses_on_a_form(tmp_path: Path, card: Gray, with_form: Recipe) -> None:
    page = prepared(tmp_path, streaked(card), with_form)
    assert is_streak_at(page, "x", STREAK_X)
    crossed = marked(page, "streaked")
    assert {name for name, is_crossed in crossed.items() if is_crossed} >= {"account", "visit", "reading", "previous"}
    assert not any(crossed[name] for name in ("people", "free", "blocked"))


def test_streak_marks_what_it_makes_of_the_fields_without_a_form(tmp_path: Path, card: Gray) -> None:
    page = prepared(tmp_path, streaked(card), PAGES)
    assert is_streak_at(page, "x", STREAK_X)
    crossed = [lattice for lattice in page.lattices if "streaked" in lattice.flags]
    assert 4 <= len(crossed) < len(page.lattices)
    for lattice in page.lattices:
        box = lattice.field.box
        corners = np.array([[(box.x, box.y), (box.right, box.bottom)]], np.float64)
        (left, top), (right, bottom) = cv2.perspectiveTransform(corners, page.to_scan)[0]
        if left < STREAK_X < right:
            assert "streaked" in lattice.flags
        away = 3 * (bottom - top)
        if left > STREAK_X + away or right < STREAK_X - away:
            assert "streaked" not in lattice.flags


def test_place_of_a_streak_is_that_of_the_stored_page_though_it_is_turned(tmp_path: Path, card: Gray) -> None:
    width = card.shape[1]
    upside_down, sideways = streaked(card)[::-1, ::-1], np.rot90(streaked(card))
    assert is_streak_at(prepared(tmp_path, np.ascontiguousarray(upside_down), PAGES), "x", width - STREAK_X)
    assert is_streak_at(prepared(tmp_path, np.ascontiguousarray(sideways), PAGES), "y", width - STREAK_X)


def test_strip_is_no_page(tmp_path: Path, card: Gray) -> None:
    strips = replace(PAGES, options=Options(strips=True))
    assert prepared(tmp_path, streaked(card)[200:350], strips).flags == ()


def test_form_says_how_fine_a_scan_is(tmp_path: Path, card: Gray, with_form: Recipe) -> None:
    size = (round(card.shape[1] * 0.36), round(card.shape[0] * 0.36))
    coarse = np.asarray(cv2.resize(card, size, interpolation=cv2.INTER_AREA), np.uint8)
    assert "low-resolution=72" in prepared(tmp_path, coarse, with_form, None).flags
    assert prepared(tmp_path, card, with_form, None).flags == ()


def test_page_on_which_no_form_is_found_says_what_is_wrong_with_its_scan(
    tmp_path: Path, card: Gray, with_form: Recipe
) -> None:
    blurred = cv2.GaussianBlur(card, (0, 0), 2.6)
    other = np.ascontiguousarray(blurred[:, ::-1])
    with pytest.raises(PageError) as raised:
        prepared(tmp_path, np.asarray(other, np.uint8), with_form)
    assert raised.value.code == "not-this-form"
    assert raised.value.detail.endswith("; blurred")

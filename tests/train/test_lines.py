"""Composed rows say what stands in them, from left to right, and survive the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docproc.flow.pipeline import pack as prepare_fields
from docproc.recognize.line_net import SIGNS
from docproc.segment.lattice import propose
from docproc.segment.line import HEIGHT
from docproc.train import corrections
from docproc.train.bank import CHUNK, Bank, make_bank
from docproc.train.data import load_glyphs
from docproc.train.fonts import printed_glyphs
from docproc.train.lines import LabelledLine, label_line, make_lines, pack, unpack
from docproc.train.strings import clean_strip, compose
from docproc.types import Box, Field


@pytest.fixture(scope="module")
def bank(digit_sets: Path) -> Bank:
    return make_bank(load_glyphs(digit_sets, False), printed_glyphs(digits=False))


@pytest.fixture(scope="module")
def lines(bank: Bank) -> list[LabelledLine]:
    return [label_line(np.random.default_rng(seed), bank) for seed in range(60)]


def test_signs_are_those_of_the_composed_field(bank: Bank, lines: list[LabelledLine]) -> None:
    seen = set()
    for seed, line in enumerate(lines):
        strip = compose(np.random.default_rng(seed), bank)
        assert len(line.signs) == len(strip.labels)
        for sign, label, name in zip(line.signs, strip.labels, strip.names, strict=True):
            assert (SIGNS[sign] == str(label)) if label < 10 else not SIGNS[sign].isdigit()
            if name in {"-", "/", "="}:
                assert SIGNS[sign] == name
            seen.add(SIGNS[sign])
    assert seen >= set("0123456789.-?")


@pytest.mark.parametrize(("share", "sign"), [("STRUCK_SHARE", "~"), ("OVERWRITTEN_SHARE", "#")])
def test_digits_that_were_taken_back_have_signs_of_their_own(
    bank: Bank, share: str, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STRUCK_SHARE", "OVERWRITTEN_SHARE"):
        monkeypatch.setattr(corrections, name, float(name == share))
    texts = ["".join(SIGNS[i] for i in label_line(np.random.default_rng(seed), bank).signs) for seed in range(20)]
    numbers = [text for text in texts if any(mark in text for mark in "0123456789~#")]
    assert len(numbers) > 10
    assert all(sign in text for text in numbers)
    assert not any(other in text for text in texts for other in "~#" if other != sign)


def test_rows_are_drawn_as_they_will_be_read(bank: Bank, lines: list[LabelledLine]) -> None:
    for seed, line in enumerate(lines[:20]):
        page = clean_strip(compose(np.random.default_rng(seed), bank).gray)
        height, width = page.gray.shape
        prepared = prepare_fields(page, [propose(page, Field("1", Box(0, 0, width, height), "strip"))])
        assert np.array_equal(prepared.lines[0], line.line)


def test_picture_is_a_row_as_long_as_its_text(lines: list[LabelledLine]) -> None:
    assert all(line.line.shape[:2] == (2, HEIGHT) for line in lines)
    widths, counts = (
        [f(line) for line in lines] for f in (lambda line: line.line.shape[2], lambda line: len(line.signs))
    )
    assert np.corrcoef(widths, counts)[0, 1] > 0.8


def test_rows_come_back_from_a_file_as_they_were(lines: list[LabelledLine], tmp_path: Path) -> None:
    np.savez(tmp_path / "lines.npz", **pack(lines))
    with np.load(tmp_path / "lines.npz", allow_pickle=False) as file:
        back = unpack(dict(file))
    assert len(back) == len(lines)
    for line, same in zip(lines, back, strict=True):
        assert np.array_equal(line.line, same.line)
        assert np.array_equal(line.signs, same.signs)


def test_same_seed_makes_the_same_rows_in_processes(digit_sets: Path) -> None:
    (first,), (again,), (other,) = (list(make_lines(digit_sets, CHUNK, False, seed, 1)) for seed in (1, 1, 2))
    assert len(first) == CHUNK
    assert all(np.array_equal(a.line, b.line) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.signs, b.signs) for a, b in zip(first, other, strict=True))

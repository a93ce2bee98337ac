"""Combs with text printed in their cells that tells what goes there: it is no writing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from docproc.flow.mappers import in_process
from docproc.flow.pipeline import read
from docproc.options import Options, Recipe
from docproc.recognize.models import load_models
from docproc.train.paper import scan, to_bytes
from docproc.train.pen import draw_writer
from docproc.train.sheet import BLUE, PRINT, Comb, Hand, Pen, Sheet, print_text, rule_comb, start_sheet, write_comb
from docproc.types import PageRef, PageResult

NUMBERS = ("", "872279  ", "", "40718826")


def read_page(path: Path, sheet: Sheet, rng: np.random.Generator) -> PageResult:
    Image.fromarray(to_bytes(scan(rng, sheet.picture, 0.2)[0])).save(path, dpi=(200, 200))
    models, options = load_models(None, "cpu"), Options()
    recipe = Recipe(options, models.digest, models.calibration)
    ref = PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1)
    (result,) = read([ref], recipe, in_process, models.classifier.classify, models.line_reader.read)
    return result


def test_blank_combs_with_guide_text_are_blank_and_filled_ones_are_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sheet = start_sheet(rng, 148, 105, 200)
    hand = Hand(draw_writer(3), Pen(BLUE, 0.9))
    for i, number in enumerate(NUMBERS):
        comb = Comb(50, 10 + i * 19, 8, 8.0, 10.0)
        rule_comb(sheet, comb, 0.3)
        for place, letter in enumerate("ddmmyyyy"):
            print_text(sheet, (51.2 + 8 * place, comb.y + 0.8), letter, 1.6, PRINT)
        write_comb(sheet, hand, number, Comb(50, comb.y + 1.6, 8, 8.0, 8.0))
    for i, line in enumerate(("Please write the days into", "the boxes above and sign the", "sheet below.")):
        print_text(sheet, (12, 86 + i * 5), line, 2.2)
    result = read_page(tmp_path / "form.png", sheet, rng)
    assert [reading.text for reading in result.readings] == [number.strip() for number in NUMBERS]
    assert [reading.status for reading in result.readings] == ["blank", "value", "blank", "value"]
    assert [reading.review for reading in result.readings][::2] == [False, False]


def test_typed_digits_are_no_guide_text_and_their_combs_not_blank(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sheet = start_sheet(rng, 148, 105, 200)
    for i, number in enumerate(("40719385", "26650114", "93827160")):
        comb = Comb(50, 10 + i * 19, 8, 8.0, 10.0)
        rule_comb(sheet, comb, 0.3)
        for place, digit in enumerate(number):
            print_text(sheet, (53 + 8 * place, comb.y + 3.5), digit, 2.2, PRINT)
    for i, line in enumerate(("Please write the days into", "the boxes above and sign the", "sheet below.")):
        print_text(sheet, (12, 86 + i * 5), line, 2.2)
    assert read_page(tmp_path / "form.png", sheet, rng).readings == ()

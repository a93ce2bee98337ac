"""A form that is printed in a light colour: its boxes tell where the fields are, and are gone where these are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docproc.flow.mappers import in_process
from docproc.flow.pipeline import read
from docproc.options import Options, Recipe
from docproc.recognize.models import load_models
from docproc.train.paper import scan, to_bytes
from docproc.train.pen import draw_writer
from docproc.train.sheet import (
    BLUE,
    Area,
    Colour,
    Comb,
    Hand,
    Pen,
    print_text,
    rule_box,
    rule_comb,
    start_sheet,
    write_comb,
    write_line,
)
from docproc.types import PageRef, PageResult

NUMBERS = ("40719385", "26650114", "93827160")


def read_form(folder: Path, colour: Colour, name: str, other: Colour = BLUE) -> PageResult:
    """What is read of a form of that colour, its digits written over the lines of their combs, the second number by
    another pen."""
    rng = np.random.default_rng(5)
    sheet = start_sheet(rng, 148, 105, 200)
    hand = Hand(draw_writer(3), Pen(BLUE, 0.9))
    print_text(sheet, (12, 6), "METER CARD", 3.5, colour)
    for i, number in enumerate(NUMBERS):
        comb = Comb(50, 16 + i * 18, 8, 8.0, 9.0)
        print_text(sheet, (12, comb.y + 3), "Reading", 2.5, colour)
        rule_comb(sheet, comb, 0.35, colour)
        pen = hand if i != 1 else Hand(hand.writer, Pen(other, 0.9))
        write_comb(sheet, pen, number, Comb(comb.x, comb.y + 2.2, 8, 8.0, 9.0))
    rule_box(sheet, Area(50, 78, 50, 12), 0.35, colour)
    write_line(sheet, hand, "3058", (55, 91), 7.0)
    path = folder / name
    picture = Image.fromarray(to_bytes(scan(rng, sheet.picture, 0.2)[0]))
    picture.save(path, dpi=(200, 200), resolution=200, quality=90)
    models, options = load_models(None, "cpu"), Options()
    recipe = Recipe(options, models.digest, models.calibration)
    ref = PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1)
    (result,) = read([ref], recipe, in_process, models.classifier.classify, models.line_reader.read)
    return result


@pytest.mark.parametrize("name", ["form.jpg", "form.png", "form.tif", "form.pdf"])
def test_fields_of_a_coloured_form_are_found_and_read_without_its_print(tmp_path: Path, name: str) -> None:
    result = read_form(tmp_path, (1.0, 0.55, 0.5), name)
    assert [reading.text for reading in result.readings] == [*NUMBERS, "3058"]
    assert [reading.field for reading in result.readings] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("pen", [(0.95, 0.3, 0.3), (0.9, 0.2, 0.25), (0.95, 0.42, 0.4)])
def test_a_number_by_a_pen_of_the_print_s_colour_is_read_or_flagged(tmp_path: Path, pen: Colour) -> None:
    result = read_form(tmp_path, (1.0, 0.55, 0.5), "form.png", pen)
    place = next(reading for reading in result.readings if reading.box.y <= 285 <= reading.box.bottom)
    assert place.text == NUMBERS[1] or place.review

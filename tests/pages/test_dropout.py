from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from docproc.options import Options
from docproc.pages.dropout import Colours, drop_print, find_print
from docproc.pages.load import load
from docproc.train.paper import compress, scan, to_bytes
from docproc.train.pen import draw_writer
from docproc.train.sheet import (
    BLACK,
    BLUE,
    PRINT,
    Colour,
    Comb,
    Hand,
    Pen,
    print_text,
    rule,
    rule_comb,
    start_sheet,
    write_comb,
)
from docproc.types import Gray, Page, PageRef

RED, ORANGE, GREEN, SKY = (1.0, 0.55, 0.5), (1.0, 0.72, 0.45), (0.55, 0.9, 0.6), (0.6, 0.8, 1.0)
BRIGHT_BLUE, BRIGHT_RED = (0.15, 0.3, 0.85), (0.8, 0.1, 0.1)


def drop(picture: Colours) -> Gray | None:
    return drop_print(Image.fromarray(picture))


def draw_form(colour: Colour, pen: Colour, written: bool = True) -> Colours:
    """A small form printed in one colour, filled in with another, as a scanner stores it."""
    rng = np.random.default_rng(3)
    sheet = start_sheet(rng, 148, 105, 150)
    hand = Hand(draw_writer(3), Pen(pen, 0.95))
    for i in range(5):
        comb = Comb(50, 12 + i * 17, 8, 8.0, 9.0)
        print_text(sheet, (12, comb.y + 3), "Reading", 2.5, colour)
        rule_comb(sheet, comb, 0.35, colour)
        if written:
            write_comb(sheet, hand, "40719385", comb)
    return to_bytes(compress(scan(rng, sheet.picture, 0.2)[0], 85))


@pytest.mark.parametrize(
    ("colour", "channel", "pen"),
    [(RED, 0, BLACK), (RED, 0, BLUE), (ORANGE, 0, BLUE), (GREEN, 1, BLACK), (GREEN, 1, BLUE), (SKY, 2, BLACK)],
)
def test_light_print_is_dropped_and_the_pen_stays(colour: Colour, channel: int, pen: Colour) -> None:
    page = draw_form(colour, pen)
    found = find_print(page)
    assert found is not None
    assert found.channel == channel
    bare, written = drop(draw_form(colour, pen, written=False)), drop(page)
    assert bare is not None
    assert written is not None
    paper = float(np.median(bare))
    assert (bare[:, 20:-20] < 0.85 * paper).mean() < 0.001
    assert (written[:, 20:-20] < 0.7 * paper).mean() > 0.01


@pytest.mark.parametrize(
    ("colour", "pen"),
    [
        (PRINT, BLUE),
        (PRINT, BRIGHT_RED),
        ((0.7, 0.7, 0.7), BLACK),
        (RED, BRIGHT_RED),
        (ORANGE, BRIGHT_RED),
        (SKY, BRIGHT_BLUE),
        (BRIGHT_RED, BRIGHT_RED),
    ],
)
def test_nothing_is_dropped_with_which_writing_would_go(colour: Colour, pen: Colour) -> None:
    assert drop(draw_form(colour, pen)) is None


def test_thin_lines_of_a_red_pen_are_no_print() -> None:
    rng = np.random.default_rng(3)
    sheet = start_sheet(rng, 148, 105, 300)
    for i in range(5):
        rule_comb(sheet, Comb(20, 12 + i * 17, 8, 8.0, 9.0), 0.3, PRINT)
        rule(sheet, (20, 24 + i * 17), (130, 24 + i * 17), 0.2, (0.95, 0.3, 0.35))
        rule(sheet, (20, 25 + i * 17), (130, 25 + i * 17), 0.2, (0.95, 0.3, 0.35))
    page = to_bytes(compress(scan(rng, sheet.picture, 0.2)[0], 85))
    assert find_print(np.asarray(Image.fromarray(page).reduce(2))) is not None
    assert drop(page) is None


def test_grey_and_tiny_pictures_have_no_coloured_print() -> None:
    assert find_print(np.full((300, 200, 3), 200, np.uint8)) is None
    assert find_print(np.zeros((1, 1, 3), np.uint8)) is None
    assert find_print(np.full((3, 900, 3), (255, 120, 120), np.uint8)) is None


def test_paper_in_coloured_light_is_no_print() -> None:
    window = np.full((600, 800, 3), 250, np.uint8)
    window[50:550, 150:650] = (185, 188, 220)
    assert find_print(window) is None


def load_picture(folder: Path, picture: Colours, name: str, *, strips: bool = False, orientation: int = 1) -> Page:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = folder / name
    Image.fromarray(picture).save(path, exif=exif, quality=90)
    ref = PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1)
    return load(ref, Options(strips=strips))


@pytest.mark.parametrize("name", ["form.jpg", "form.png", "form.tif", "form.webp"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_picture_without_print_lies_as_the_page_does(tmp_path: Path, name: str, orientation: int) -> None:
    page = load_picture(tmp_path, draw_form(RED, BLACK), name, orientation=orientation)
    assert page.dropped is not None
    assert (page.gray.shape[0] > page.gray.shape[1]) == (orientation == 6)
    written = (page.gray < 90) & (page.dropped < 130)
    assert written.sum() > 0.95 * (page.gray < 90).sum()


def test_print_stays_where_samples_are_deeper_than_what_pillow_keeps(tmp_path: Path) -> None:
    deep = draw_form(RED, BLACK)[..., ::-1].astype(np.uint16) * 16  # 12 bits in 16
    path = tmp_path / "deep.tif"
    cv2.imwrite(str(path), deep)
    page = load(PageRef(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), 1), Options())
    assert page.dropped is None


def test_print_of_grey_pages_and_of_strips_stays(tmp_path: Path) -> None:
    form = draw_form(RED, BLACK)
    assert load_picture(tmp_path, form, "strip.png", strips=True).dropped is None
    assert load_picture(tmp_path, form[..., 1], "grey.jpg").dropped is None

"""A place that never was, whose people write odd 1s and 7s: pages to adapt to, and the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from docproc.train.draw import Drawn, Written
from docproc.train.hands import Hand, draw_hand, write_digit
from docproc.train.pen import Stroke
from docproc.train.sheet import BLACK, BLUE, Area, Pen, Sheet, ink_on, print_text, rule_box, start_sheet
from docproc.train.sheet import Hand as PenHand
from docproc.types import STYLES

ODD_ONES = (
    "-34,74 -6,44 34,0 | 32,50 30,100",
    "-30,96 2,48 36,0 | 34,50 34,100",
    "-40,60 0,34 36,0 | 33,50 28,100",
)
"""1s whose upstroke is as long as the stroke itself, which no hand of the training has."""
ODD_SEVENS = (
    "0,30 2,8 18,4 44,0 | 34,48 26,100",
    "-2,24 6,2 | 26,8 46,0 | 38,50 32,100",
    "0,36 4,10 40,2 | 36,50 34,100",
)
"""Narrow 7s without a cross bar, their corner hooked."""
PEOPLE = 5
"""Who fill in the sheets of a site, by turns."""
ROWS, COLUMNS = 8, 3
MOST_DIGITS = 5
HEIGHT = 6.0
"""Millimetres that a digit is high."""
GAP = 0.22
"""Paper between digits, in digit heights."""


def draw_odd_hand(rng: np.random.Generator) -> Hand:
    """A hand like others but for its 1s and 7s."""
    hand = draw_hand(rng)
    shapes = list(hand.shapes)
    shapes[1], shapes[7] = str(rng.choice(ODD_ONES)), str(rng.choice(ODD_SEVENS))
    return replace(hand, style=STYLES.index("european"), shapes=tuple(shapes))


def draw_odd_page(site: int, number: int, dpi: float = 200) -> Drawn:
    """A sheet of 24 boxes, A5 landscape, filled in by one of a site's people with numbers rich in 1s and 7s."""
    rng = np.random.default_rng([site, number, 21])
    hand = draw_odd_hand(np.random.default_rng([site, number % PEOPLE, 22]))
    pen = Pen(BLACK if rng.random() < 0.5 else BLUE, float(rng.uniform(0.7, 1.0)))
    sheet = start_sheet(rng, 210, 148, dpi)
    print_text(sheet, (14, 9), "STOCK SHEET", 4.2)
    chances = np.full(10, 0.075)
    chances[[1, 7]] = 0.2
    fields = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            digits = rng.choice(10, int(rng.integers(2, MOST_DIGITS + 1)), p=chances).tolist()
            area = Area(14 + 62 * column, 18 + 15.5 * row, 56, 12)
            box = rule_box(sheet, area)
            write_number(sheet, hand, pen, digits, area)
            fields.append(Written(f"{row + 1}.{column + 1}", "".join(map(str, digits)), box))
    return Drawn(sheet.picture, tuple(fields), dpi)


def write_number(sheet: Sheet, hand: Hand, pen: Pen, digits: Sequence[int], area: Area) -> None:
    """Write digits into a box, side by side."""
    rng, size = sheet.rng, sheet.pixels(HEIGHT)
    at = sheet.pixels(area.x + float(rng.uniform(3, 6)))
    top = sheet.pixels(area.y + (area.height - HEIGHT) / 2)
    strokes: list[Stroke] = []
    for digit in digits:
        glyph = write_odd_digit(rng, digit, hand)
        drop = top + size * float(rng.normal(0, 0.03))
        strokes += [stroke * size + [at, drop] for stroke in glyph]
        wide = max(float(stroke[:, 0].max()) for stroke in glyph)
        at += size * (wide + GAP * float(rng.uniform(0.6, 1.3)))
    ink_on(sheet, PenHand(hand.writer, pen), strokes, HEIGHT)


def write_odd_digit(rng: np.random.Generator, digit: int, hand: Hand) -> list[Stroke]:
    """One digit by an odd hand, in digit heights."""
    while True:
        glyph = write_digit(rng, digit, hand)
        if glyph.strokes:
            return [stroke.astype(np.float64) for stroke in glyph.strokes]

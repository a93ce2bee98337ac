"""A sheet on the desk: print, rulings and handwriting go on it. Lengths are millimetres from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from docproc.train.ink import Coverage, blot, grain_ink, ink_strokes, smudge_ink
from docproc.train.paper import INCH, Picture, make_paper
from docproc.train.pen import Stroke, Writer, glyph_strokes, text_strokes
from docproc.types import Box

Colour = tuple[float, float, float]
"""Red, green and blue that the ink leaves, 0 to 1."""
BLACK: Colour = (0.1, 0.1, 0.11)
BLUE: Colour = (0.1, 0.16, 0.5)
PENCIL: Colour = (0.34, 0.34, 0.36)
PRINT: Colour = (0.13, 0.13, 0.14)
WHITE_PAPER: Colour = (0.965, 0.96, 0.945)


Place = tuple[float, float]
"""x and y on a sheet, in millimetres."""


class Area(NamedTuple):
    """A rectangle on a sheet, in millimetres."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Comb:
    """A row of cells, one for each digit; `tooth` is how far up the dividing lines reach, 1 for all the way."""

    x: float
    y: float
    cells: int
    pitch: float
    height: float
    tooth: float = 1.0


@dataclass(frozen=True, slots=True)
class Pen:
    """What a writer holds; `flow` 1 is an even gel pen, 0.5 a pencil."""

    colour: Colour = BLACK
    flow: float = 0.85


@dataclass(frozen=True, slots=True)
class Hand:
    """A writer with a pen."""

    writer: Writer
    pen: Pen


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page on the desk. Its picture, float32[H, W, 3], is drawn on in place: the one thing here that changes."""

    picture: Picture
    dpi: float
    rng: np.random.Generator

    def pixels(self, millimetres: float) -> float:
        """A length on the picture."""
        return millimetres * self.dpi / INCH

    def box(self, area: Area) -> Box:
        """An area as a box in pixels of the picture."""
        left, top = round(self.pixels(area.x)), round(self.pixels(area.y))
        right, bottom = round(self.pixels(area.x + area.width)), round(self.pixels(area.y + area.height))
        return Box(left, top, right - left, bottom - top)


def start_sheet(rng: np.random.Generator, width: float, height: float, dpi: float, tone: Colour = WHITE_PAPER) -> Sheet:
    """A bare sheet of that size."""
    return Sheet(make_paper(rng, round(height * dpi / INCH), round(width * dpi / INCH), tone), dpi, rng)


def lay_ink(sheet: Sheet, covered: Coverage, colour: Colour, left: int = 0, top: int = 0) -> None:
    """Put ink of that colour on the sheet, its corner at that pixel; what falls off the edge is lost."""
    height, width = sheet.picture.shape[:2]
    rows = slice(max(top, 0), min(top + covered.shape[0], height))
    columns = slice(max(left, 0), min(left + covered.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = covered[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None]
    sheet.picture[rows, columns] *= 1 - part * (1 - np.array(colour, np.float32))


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The typeface that comes with Pillow: a page looks the same on every machine."""
    return ImageFont.load_default(size)


def print_text(sheet: Sheet, at: Place, text: str, height: float = 2.4, colour: Colour = PRINT) -> None:
    """Print a line whose capitals are `height` high, their top left corner there."""
    font = load_font(max(6, round(sheet.pixels(height) * 1.4)))
    _, capital, _, _ = font.getbbox("H")
    _, _, right, bottom = font.getbbox(text)
    image = Image.new("L", (int(right) + 4, int(bottom) + 4), 0)
    ImageDraw.Draw(image).text((2, 2), text, fill=255, font=font)
    covered = np.asarray(image, np.float32) / np.float32(255)
    lay_ink(sheet, covered, colour, round(sheet.pixels(at[0])) - 2, round(sheet.pixels(at[1]) - float(capital)) - 2)


def rule(sheet: Sheet, start: Place, stop: Place, width: float = 0.25, colour: Colour = PRINT) -> None:
    """Print a straight line from one place to the other."""
    ends = np.array([start, stop]) * sheet.dpi / INCH
    thick = sheet.pixels(width)
    corner = np.floor(ends.min(0) - thick - 2).astype(int)
    columns, rows = np.ceil(ends.max(0) + thick + 2).astype(int) - corner
    covered = ink_strokes(sheet.rng, [ends - corner], thick, 0.0, (int(rows), int(columns)))
    lay_ink(sheet, covered, colour, int(corner[0]), int(corner[1]))


def rule_box(sheet: Sheet, area: Area, line: float = 0.3, colour: Colour = PRINT) -> Box:
    """Print a box; returns it in pixels."""
    x, y, width, height = area
    for start, stop in pairwise([(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]):
        rule(sheet, start, stop, line, colour)
    return sheet.box(area)


def rule_comb(sheet: Sheet, comb: Comb, line: float = 0.3, colour: Colour = PRINT) -> Box:
    """Print a comb; returns it in pixels."""
    box = rule_box(sheet, Area(comb.x, comb.y, comb.cells * comb.pitch, comb.height), line, colour)
    for i in range(1, comb.cells):
        at = comb.x + i * comb.pitch
        rule(sheet, (at, comb.y + (1 - comb.tooth) * comb.height), (at, comb.y + comb.height), 0.75 * line, colour)
    return box


def ink_on(sheet: Sheet, hand: Hand, strokes: list[Stroke], height: float) -> None:
    """Write strokes given in pixels of the sheet; `height` of a digit sets the pen."""
    writer, pen = hand.writer, hand.pen
    every = np.concatenate(strokes)
    # A pen does not grow with the writing; people take a slightly broader one for large boxes.
    width = sheet.pixels(writer.weight * (3.5 + 0.35 * height))
    corner = np.floor(every.min(0) - 2 * width - 3).astype(int)
    columns, rows = np.ceil(every.max(0) + 2 * width + 3).astype(int) - corner
    covered = ink_strokes(
        sheet.rng, [stroke - corner for stroke in strokes], width, writer.pressure, (int(rows), int(columns))
    )
    lay_ink(sheet, grain_ink(sheet.rng, covered, pen.flow), pen.colour, int(corner[0]), int(corner[1]))


def write_line(sheet: Sheet, hand: Hand, text: str, at: Place, height: float) -> list[Stroke]:
    """Write a line by hand, its baseline starting there, digits `height` high; returns its strokes in pixels."""
    size = sheet.pixels(height)
    corner = np.array([sheet.pixels(at[0]), sheet.pixels(at[1]) - size])
    strokes = [stroke * size + corner for group in text_strokes(sheet.rng, text, hand.writer) for stroke in group]
    if strokes:
        ink_on(sheet, hand, strokes, height)
    return strokes


def write_comb(sheet: Sheet, hand: Hand, text: str, comb: Comb) -> list[Stroke]:
    """Write one character a cell, none where the text has a blank; returns the strokes in pixels."""
    height = comb.height * sheet.rng.uniform(0.6, 0.72)
    size = sheet.pixels(height)
    strokes: list[Stroke] = []
    for i, character in enumerate(text):
        if character == " ":
            continue
        glyph = glyph_strokes(sheet.rng, character, hand.writer)
        wide = max(stroke[:, 0].max() for stroke in glyph)
        middle = comb.x + (i + 0.5 + sheet.rng.normal(0, 0.05)) * comb.pitch
        top = comb.y + (comb.height - height) / 2 + sheet.rng.normal(0.02, 0.04) * comb.height
        corner = np.array([sheet.pixels(middle) - wide * size / 2, sheet.pixels(top)])
        strokes += [stroke * size + corner for stroke in glyph]
    if strokes:
        ink_on(sheet, hand, strokes, height)
    return strokes


def mark(sheet: Sheet, hand: Hand, strokes: list[Stroke], at: Place, height: float) -> None:
    """Draw a mark (a tick, a cross, a signature) given in digit heights, its top left corner there."""
    corner = np.array([sheet.pixels(at[0]), sheet.pixels(at[1])])
    ink_on(sheet, hand, [stroke * sheet.pixels(height) + corner for stroke in strokes], height)


def smudge(sheet: Sheet, at: Place, radius: float, colour: Colour = PENCIL) -> None:
    """Leave a dirty spot with a tail, as a thumb does."""
    reach = int(sheet.pixels(radius) * 3)
    spot = blot(sheet.rng, sheet.pixels(radius), (2 * reach, 2 * reach), (reach, reach)) * np.float32(0.5)
    left, top = round(sheet.pixels(at[0])) - reach, round(sheet.pixels(at[1])) - reach
    lay_ink(sheet, smudge_ink(sheet.rng, spot, sheet.pixels(radius)), colour, left, top)

"""Forms filled in by hand that never were, and the truth about them: for tests, samples and training.

Everything comes from a seed; no picture of real writing has any part in it. Single digits: `digit_strokes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from docproc.train.paper import Homography, Picture
from docproc.train.pen import (
    Writer,
    cross_strokes,
    digit_strokes,
    draw_writer,
    glyph_strokes,
    signature_strokes,
    strike_out,
    text_strokes,
    tick_strokes,
)
from docproc.train.sheet import (
    BLACK,
    BLUE,
    PENCIL,
    Area,
    Colour,
    Comb,
    Hand,
    Pen,
    Sheet,
    ink_on,
    mark,
    print_text,
    rule,
    rule_box,
    rule_comb,
    smudge,
    start_sheet,
    write_comb,
    write_line,
)
from docproc.types import Box

__all__ = [
    "Area",
    "Comb",
    "Drawn",
    "Hand",
    "Pen",
    "Sheet",
    "Writer",
    "Written",
    "digit_strokes",
    "draw_boxes",
    "draw_comb_form",
    "draw_letter",
    "draw_slip",
    "draw_tally",
    "draw_writer",
    "glyph_strokes",
    "move_fields",
    "start_sheet",
    "text_strokes",
]


@dataclass(frozen=True, slots=True)
class Written:
    """The truth about one field: what was written ("" for nothing), and its box on the page in pixels."""

    name: str
    text: str
    box: Box

    @property
    def digits(self) -> str:
        """The digits of the text, in order."""
        return "".join(character for character in self.text if character in "0123456789")


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A page, float32[H, W, 3] from 0 black to 1 white, and its number fields in reading order."""

    picture: Picture
    fields: tuple[Written, ...]
    dpi: float


def move_fields(fields: tuple[Written, ...], moved: Homography) -> tuple[Written, ...]:
    """The fields where the points of the page went: the upright boxes round their corners."""
    return tuple(replace(field, box=move_box(field.box, moved)) for field in fields)


def move_box(box: Box, moved: Homography) -> Box:
    """The upright box round the corners of a box that was moved."""
    corners = np.array([[box.x, box.y], [box.right, box.y], [box.right, box.bottom], [box.x, box.bottom]], np.float64)
    there = cv2.perspectiveTransform(corners[None], moved)[0]
    left, top = np.floor(there.min(axis=0)).astype(int)
    right, bottom = np.ceil(there.max(axis=0)).astype(int)
    return Box(int(left), int(top), int(right - left), int(bottom - top))


def draw_number(rng: np.random.Generator, digits: int, first: str = "123456789") -> str:
    """A number of that many digits."""
    return str(rng.choice(list(first))) + "".join(str(rng.integers(10)) for _ in range(digits - 1))


def draw_date(rng: np.random.Generator) -> str:
    """A day as DDMMYYYY."""
    return f"{rng.integers(1, 29):02d}{rng.integers(1, 13):02d}{rng.integers(2020, 2026)}"


METER_ROWS = (
    ("Connection number", 8, "account"),
    ("Date of visit (day, month, year)", 8, "date"),
    ("Meter reading, cubic metres", 6, "reading"),
    ("Previous reading", 6, "previous"),
    ("People in the household", 2, "people"),
    ("Serial number of a new meter", 10, "serial"),
)


def draw_comb_form(
    seed: int, dpi: float = 200, pen: Pen | None = None, tooth: float = 1.0, blank: bool = False
) -> Drawn:
    """A water meter card, A5 landscape, filled in digit by digit in combs, or blank."""
    rng = np.random.default_rng([seed, 10])
    writer = draw_writer(seed)
    hand = Hand(writer, pen or pick_pen(rng))
    sheet = start_sheet(rng, 210, 148, dpi)
    rule_box(sheet, Area(8, 8, 194, 132), 0.5)
    print_text(sheet, (14, 13), "WATER METER CARD", 4.2)
    print_text(sheet, (14, 20.5), "Write one digit in each box, in pen. Leave a line empty if it does not apply.", 2.0)
    rule(sheet, (8, 26), (202, 26), 0.5)
    before = int(rng.integers(900, 99000))
    values = (
        draw_number(rng, 8, "0123456789"),
        draw_date(rng),
        f"{before + int(rng.integers(60, 400)):06d}",
        f"{before:06d}",
        f"{rng.integers(1, 10):02d}",
        draw_number(rng, 10) if rng.random() < 0.4 else "",
    )
    fields = []
    for i, ((prompt, cells, name), value) in enumerate(zip(METER_ROWS, values, strict=True)):
        y = 31 + i * 14.0
        print_text(sheet, (14, y + 3.2), prompt, 2.5)
        comb = Comb(92, y, cells, 8.0, 9.0, tooth)
        box = rule_comb(sheet, comb)
        if not blank:
            write_comb(sheet, hand, value, comb)
        fields.append(Written(name, "" if blank else value, box))
    print_text(sheet, (14, 118), "Access to the meter:", 2.5)
    for x, label in ((56, "free"), (76, "blocked"), (103, "under water")):
        rule_box(sheet, Area(x, 117, 4, 4), 0.25)
        print_text(sheet, (x + 6, 118), label, 2.3)
    tick = tick_strokes(rng, writer), (float(rng.choice([56, 76, 103])), 115.8), 5.5
    print_text(sheet, (14, 133), "Signature", 2.3)
    rule(sheet, (36, 136), (112, 136), 0.2)
    if not blank:
        mark(sheet, hand, *tick)
        mark(sheet, hand, signature_strokes(rng, writer), (44, 126.5), 7.5)
    return Drawn(sheet.picture, tuple(fields), dpi)


BIRDS = ("Heron", "Coot", "Mallard", "Teal", "Lapwing", "Curlew", "Redshank", "Black-headed gull", "Swallow")
HOURS = ("Morning", "Noon", "Evening", "All day")


def draw_tally(seed: int, dpi: float = 150) -> Drawn:
    """A bird count, A4 upright: a table of counts with their sums, and remarks in words below."""
    rng = np.random.default_rng([seed, 11])
    writer = draw_writer(seed)
    hand = Hand(writer, Pen(BLUE, 0.8))
    sheet = start_sheet(rng, 210, 297, dpi)
    print_text(sheet, (20, 22), "Wader and water bird count", 5.0)
    print_text(sheet, (20, 32), "One line for each species; write the number seen, not strokes.", 2.5)
    left, top, label, wide, high = 20.0, 48.0, 58.0, 28.0, 14.0
    right, bottom = left + label + wide * len(HOURS), top + high * (len(BIRDS) + 2)
    for row in range(len(BIRDS) + 3):
        heavy = row in (0, 1, len(BIRDS) + 1, len(BIRDS) + 2)
        rule(sheet, (left, top + row * high), (right, top + row * high), 0.45 if heavy else 0.22)
    for x in (left, *(left + label + i * wide for i in range(len(HOURS) + 1))):
        rule(sheet, (x, top), (x, bottom), 0.45 if x in (left, right) else 0.25)
    print_text(sheet, (left + 3, top + 5.5), "Species", 2.8)
    for i, hour in enumerate(HOURS):
        print_text(sheet, (left + label + i * wide + 4, top + 5.5), hour, 2.6)
    counts = rng.integers(0, 130, (len(BIRDS), 3)) // rng.choice([1, 4, 12], (len(BIRDS), 1))
    table = np.vstack([counts, counts.sum(axis=0)])
    table = np.hstack([table, table.sum(axis=1, keepdims=True)])
    fields = []
    for row, name in enumerate((*BIRDS, "Together")):
        y = top + (row + 1) * high
        print_text(sheet, (left + 3, y + 5.5), name, 2.8)
        for column, hour in enumerate(HOURS):
            x = left + label + column * wide
            text = str(table[row, column])
            start = x + float(rng.uniform(4, 9))
            baseline = y + high - float(rng.uniform(2.8, 4.2))
            write_line(sheet, hand, text, (start, baseline), float(rng.uniform(6, 7)))
            fields.append(Written(f"{name} {hour}", text, sheet.box(Area(x, y, wide, high))))
    print_text(sheet, (20, bottom + 12), "Remarks", 2.8)
    write_line(sheet, hand, "low tide, strong wind, two", (42, bottom + 15), 5.5)
    write_line(sheet, hand, "boats near the reeds", (42, bottom + 25), 5.5)
    for i in range(2):
        rule(sheet, (40, bottom + 16.5 + i * 10), (190, bottom + 16.5 + i * 10), 0.18)
    return Drawn(sheet.picture, tuple(fields), dpi)


GOODS = ("Screws, steel", "Hinges", "Door handles", "Brackets", "Hooks, brass", "Wall plugs", "Cable ties", "Washers")


def draw_boxes(seed: int, dpi: float = 200) -> Drawn:
    """A stock sheet, A4 upright: strings of two to eight digits in undivided boxes, initials and a note."""
    rng = np.random.default_rng([seed, 12])
    writer = draw_writer(seed)
    hand = Hand(writer, Pen(BLACK, 0.95))
    sheet = start_sheet(rng, 210, 297, dpi)
    print_text(sheet, (20, 18), "STOCK SHEET", 5.0)
    print_text(sheet, (20, 27), "Count everything on the shelf and in the store. Numbers only in the boxes.", 2.4)
    fields = []
    for i, (name, lengths) in enumerate((("Sheet number", 5), ("Date", 6))):
        x = 20 + i * 92.0
        print_text(sheet, (x, 40), name, 2.6)
        value = draw_number(rng, lengths) if i == 0 else draw_date(rng)[:4] + str(rng.integers(22, 27))
        fields.append(write_box(sheet, hand, name, value, Area(x + 30, 35.5, 48, 12)))
    for x, head in ((20, "Article"), (75, "On the shelf"), (140, "In the store")):
        print_text(sheet, (x, 58), head, 2.8)
    for row, name in enumerate(GOODS):
        y = 66 + row * 21.0
        print_text(sheet, (20, y + 5), name, 2.8)
        for x, wide, most in ((75, 48, 5), (140, 50, 8)):
            value = draw_number(rng, int(rng.integers(2, most + 1)))
            # A few places have none in the store, and the box stays empty.
            value = "" if x == 140 and rng.random() < 0.2 else value
            fields.append(write_box(sheet, hand, f"{name} {x}", value, Area(x, y, wide, 13)))
    print_text(sheet, (20, 240), "Counted by", 2.8)
    rule_box(sheet, Area(50, 235, 55, 13))
    write_line(sheet, hand, str(rng.choice(["R. K.", "M. T.", "A. L."])), (56, 245), 6.5)
    print_text(sheet, (20, 261), "Note", 2.8)
    write_line(sheet, hand, str(rng.choice(["hinges in the wrong crate", "lower shelf was wet"])), (40, 264), 5.5)
    rule(sheet, (38, 266), (190, 266), 0.2)
    return Drawn(sheet.picture, tuple(fields), dpi)


def write_box(sheet: Sheet, hand: Hand, name: str, text: str, area: Area) -> Written:
    """A printed box with a number in it, its digits shrunk where the box is short; the truth about it."""
    rng = sheet.rng
    height = min(area.height * rng.uniform(0.52, 0.62), 0.86 * area.width / (0.95 * max(len(text), 1)))
    baseline = area.y + area.height / 2 + height / 2 + rng.normal(0, 0.03) * area.height
    box = rule_box(sheet, area)
    write_line(sheet, hand, text, (area.x + float(rng.uniform(2.5, 5)), float(baseline)), float(height))
    return Written(name, text, box)


def draw_slip(seed: int, dpi: float = 200) -> Drawn:
    """A delivery slip, A6 upright: numbers in boxes, crosses and a signature."""
    rng = np.random.default_rng([seed, 13])
    writer = draw_writer(seed)
    hand = Hand(writer, Pen(BLUE, 0.85))
    sheet = start_sheet(rng, 105, 148, dpi, (0.95, 0.935, 0.88))
    print_text(sheet, (8, 9), "DELIVERY SLIP", 3.8)
    print_text(sheet, (8, 16), "Please fill in at the door", 2.1)
    rule(sheet, (8, 21), (97, 21), 0.4)
    fields = []
    rows = (("Parcel number", 6, 44.0), ("Weight, grams", 4, 30.0), ("Pieces", 2, 20.0), ("Postcode", 5, 36.0))
    for i, (prompt, digits, wide) in enumerate(rows):
        y = 27 + i * 15.0
        print_text(sheet, (8, y + 3.6), prompt, 2.4)
        fields.append(write_box(sheet, hand, prompt, draw_number(rng, digits), Area(46, y, wide, 10.5)))
    print_text(sheet, (8, 92), "Left with", 2.4)
    for x, label in ((30, "neighbour"), (62, "owner")):
        rule_box(sheet, Area(x, 91, 4.2, 4.2), 0.25)
        print_text(sheet, (x + 6.5, 92), label, 2.3)
    mark(sheet, hand, cross_strokes(rng, writer), (62.2, 90.8), 4.6)
    print_text(sheet, (8, 127), "Signature", 2.3)
    rule(sheet, (28, 129), (94, 129), 0.2)
    mark(sheet, hand, signature_strokes(rng, writer), (36, 116), 9)
    return Drawn(sheet.picture, tuple(fields), dpi)


LETTER = (
    "Dear members,",
    "the pump house was opened again after the winter. The old filter has been",
    "cleaned and the roof is tight. Please keep the gate shut so that the goats",
    "stay outside, and hang the key back on its hook when you leave.",
    "Whoever has a ladder to lend for the gutter, please say so at the meeting.",
    "With many thanks to all who helped,",
)


def draw_letter(seed: int, dpi: float = 150) -> Drawn:
    """A printed letter with a tick, a note in words, a thumb mark and a signature: no digit anywhere."""
    rng = np.random.default_rng([seed, 14])
    writer = draw_writer(seed)
    hand = Hand(writer, Pen(BLACK, 0.8))
    sheet = start_sheet(rng, 210, 297, dpi)
    print_text(sheet, (25, 25), "Village Water Association", 5.0)
    rule(sheet, (25, 34), (185, 34), 0.4)
    for i, line in enumerate(LETTER):
        print_text(sheet, (25, 58 + i * 8 + (4 if i else 0) + (6 if i == len(LETTER) - 1 else 0)), line, 2.7)
    mark(sheet, hand, signature_strokes(rng, writer), (30, 122), 13)
    print_text(sheet, (25, 145), "The treasurer", 2.5)
    for i, label in enumerate(("I shall come to the meeting", "I can lend a ladder", "I cannot come")):
        rule_box(sheet, Area(25, 165 + i * 11, 5, 5), 0.3)
        print_text(sheet, (34, 166.2 + i * 11), label, 2.7)
    mark(sheet, hand, tick_strokes(rng, writer), (25.2, 163.2), 7)
    note = write_line(sheet, hand, "later", (106, 171), 6)
    ink_on(sheet, hand, strike_out(rng, note), 6)
    write_line(sheet, hand, "with my wife", (106, 182), 6)
    smudge(sheet, (165, 225), 2.2)
    return Drawn(sheet.picture, (), dpi)


def pick_pen(rng: np.random.Generator) -> Pen:
    """A pen as it lies about: mostly ballpoint, black or blue, sometimes a pencil."""
    colours: tuple[Colour, ...] = (BLACK, BLUE, BLUE, PENCIL)
    colour = colours[int(rng.integers(len(colours)))]
    return Pen(colour, float(rng.uniform(0.5, 0.65) if colour is PENCIL else rng.uniform(0.7, 1.0)))

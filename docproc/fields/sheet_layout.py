"""Where everything stands on a sheet that is to be printed and filled in. Lengths are millimetres from its top left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from docproc.errors import UsageError
from docproc.fields.asked import Asked, split_look
from docproc.fields.digit_shapes import draw_digit
from docproc.fields.form import FieldSpec
from docproc.types import FORM_DPI

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
MM = FORM_DPI / 25.4

MARK, MARK_AT = 5.0, 9.0
"""Side of the corner marks, and how far they are from the edges: most printers reach 6 mm from them."""
TRACK_DOT, TRACK_PITCH, TRACK_END = 1.3, 16.0, 22.0
"""Patterns of squares down both margins, all different: they tell where the paper lies where little else is printed."""
SIDE = 18.0
"""Margin of all else, clear of the corner marks."""
BOX_WIDTH, BOX_HEIGHT = 7.0, 9.0
"""People fill a box of this size without squeezing or straying."""
GAP = 1.3
"""Between boxes, so that neighbours do not touch."""
SIGN = 2.6
"""Width of a printed separator; a gap is on either side."""
LABEL = 4.8
"""From the top of a field to that of its boxes."""
PITCH = 20.5
"""From field to field: tails hang out of boxes without reaching what is printed below."""
GUTTER = 8.0
RULE = 0.3
TITLE, LABELS, SMALL, SIGNS = 17.0, 10.0, 8.5, 19.0
"""Sizes of print in points."""
CODE = 14.0
"""Side of the code of squares."""
HEAD_END = 25.0
SAMPLE_WIDTH, SAMPLE_HEIGHT, SAMPLE_GAP, SAMPLE_DIGIT = 5.5, 7.0, 1.5, 4.6
ID_DIGIT = 6.2
"""Height of printed digits that are to be read: what writers make of such a box."""
PEN = 0.55
ROW = 7.0
"""A line of what is known of a person."""
VALUE_AT = 25.0
"""From a column's name to its value; print that changes from sheet to sheet stays clear of what does not."""
FOOT = 24.0
"""Nothing but the last line stands so near to the foot of the sheet."""
SINGLE = 6
"""So many fields stand below each other if they fit on the page; more stand side by side."""

INSTRUCTIONS = (
    "Write one digit in each box with a black or blue pen, as large as the box allows.",
    "Do not touch the edges of the boxes. Leave a field empty if there is nothing to write.",
)
FILL = "Where a point or sign is printed between boxes, fill every box: 04.5, 07/03/26."
COPY = "Write digits like these:"
CARE = "Do not write on the black marks along the edges; do not fold or cut them off."

Tone = Literal["dark", "pale"]


class Area(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


class Words(NamedTuple):
    """A line of print that starts at x on its base line y, or ends there; it is shrunk to `room` where it is longer."""

    text: str
    x: float
    y: float
    room: float
    points: float
    bold: bool = False
    from_right: bool = False
    tone: Tone = "dark"


class Path(NamedTuple):
    """A stroke through places."""

    places: tuple[tuple[float, float], ...]
    width: float


class Squares(NamedTuple):
    """A text as a code of squares."""

    text: str
    area: Area


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is printed: lines of print, solid areas, outlines of boxes in the pale colour, strokes, codes."""

    words: tuple[Words, ...] = ()
    solids: tuple[Area, ...] = ()
    outlines: tuple[Area, ...] = ()
    paths: tuple[Path, ...] = ()
    codes: tuple[Squares, ...] = ()

    def __add__(self, other: Drawing) -> Drawing:
        """Both of them."""
        return Drawing(
            self.words + other.words,
            self.solids + other.solids,
            self.outlines + other.outlines,
            self.paths + other.paths,
            self.codes + other.codes,
        )


@dataclass(frozen=True, slots=True)
class Comb:
    """A field in its place."""

    asked: Asked
    boxes: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class SheetPage:
    """A page of a sheet: what is printed on every one, its fields, and where what differs goes.

    `id` is the comb of the id if it stands on this page, `blanks` are the places of what is known of the person, in the
    order of the columns, without their words.
    """

    number: int
    drawing: Drawing
    combs: tuple[Comb, ...]
    id: Comb | None = None
    blanks: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A sheet as it was ordered: `shown` are the columns of the roster to print, `id` is the field of its numbers."""

    name: str
    title: str
    paper: str
    fields: tuple[Asked, ...]
    id: Asked | None = None
    shown: tuple[str, ...] = ()
    size: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", PAPERS[self.paper])

    @property
    def width(self) -> float:
        """Between the margins."""
        return self.size[0] - 2 * SIDE


@dataclass(frozen=True, slots=True)
class Copy:
    """What is known of one sheet: its number, and of the roster's row the id and the values shown."""

    number: int
    id: str = ""
    values: tuple[str, ...] = ()


def lay_out(order: Order) -> tuple[SheetPage, ...]:
    """The pages of a sheet; raises UsageError where the paper has no room for something."""
    for asked in (*order.fields, *filter(None, [order.id])):
        refuse_wide(asked, order)
    if (rows := count_rows(order, start_page(order, 1)[1])) < 1:
        raise UsageError(f"the {len(order.shown)} columns shown leave no room for fields; name fewer with --show")
    columns = 1 if len(order.fields) <= min(SINGLE, rows) else 2
    pages: list[SheetPage] = []
    rest = order.fields
    while rest:
        page, top = start_page(order, len(pages) + 1)
        combs, rest = fill_page(rest, order, top, columns)
        labels = sum((draw_field(comb, order) for comb in combs), Drawing())
        pages.append(replace(page, drawing=page.drawing + labels, combs=page.combs + combs))
    return tuple(replace(page, drawing=page.drawing + draw_foot(order, page.number, len(pages))) for page in pages)


def refuse_wide(asked: Asked, order: Order) -> None:
    """Raise UsageError where the boxes of a field do not fit side by side."""
    if (width := measure(asked.look)) > order.width:
        most = int((order.width + GAP) / (BOX_WIDTH + GAP))
        raise UsageError(
            f'the {asked.boxes} boxes of "{asked.name}" are {width:.0f} mm wide, and the paper has room for '
            f"{order.width:.0f} mm, which are {most} boxes; split the field"
        )


def measure(look: str) -> float:
    """Width of a comb of that look."""
    parts = split_look(look)
    return sum(BOX_WIDTH if part == "#" else SIGN * len(part) for part in parts) + GAP * (len(parts) - 1)


def place_comb(asked: Asked, x: float, y: float) -> Comb:
    """The field with its upper left corner there, label included."""
    boxes = []
    for part in split_look(asked.look):
        if part == "#":
            boxes.append(Area(x, y + LABEL, BOX_WIDTH, BOX_HEIGHT))
        x += (BOX_WIDTH if part == "#" else SIGN * len(part)) + GAP
    return Comb(asked, tuple(boxes))


def count_rows(order: Order, top: float) -> int:
    """How many fields have room below each other from `top` on."""
    return int((order.size[1] - FOOT - top + PITCH - LABEL - BOX_HEIGHT) / PITCH)


def fill_page(
    fields: Sequence[Asked], order: Order, top: float, columns: int
) -> tuple[tuple[Comb, ...], tuple[Asked, ...]]:
    """The fields that fit on the page below `top`, and those that are left."""
    rows = list(fill_rows(fields, order, columns))
    combs = tuple(
        place_comb(asked, SIDE + column * (half_width(order) + GUTTER), top + number * PITCH)
        for number, row in enumerate(rows[: count_rows(order, top)])
        for column, asked in enumerate(row)
    )
    return combs, tuple(fields[len(combs) :])


def fill_rows(fields: Sequence[Asked], order: Order, columns: int) -> Iterator[list[Asked]]:
    """Fields side by side; one that is wider than its column stands alone."""
    row: list[Asked] = []
    for asked in fields:
        is_wide = measure(asked.look) > half_width(order)
        if row and (is_wide or len(row) == columns):
            yield row
            row = []
        row.append(asked)
        if is_wide:
            yield row
            row = []
    if row:
        yield row


def half_width(order: Order) -> float:
    """Width of one of two columns."""
    return (order.width - GUTTER) / 2


def start_page(order: Order, number: int) -> tuple[SheetPage, float]:
    """A page with all that stands above the fields, and how far down that reaches."""
    first = number == 1
    drawing = draw_corners(order) + draw_head(order)
    samples, y = draw_samples(order, HEAD_END + 4, told=first)
    columns = order.shown if first or order.id is None else (order.id.name, *order.shown)
    known, blanks, y = draw_known(order, columns, y)
    drawing += samples + known
    if order.id is None or not first:
        return SheetPage(number, drawing + draw_rule(order, y), (), None, blanks), y + 4
    comb = place_comb(order.id, SIDE, y)
    y = y + LABEL + BOX_HEIGHT + 3.5
    drawing += draw_field(comb, order) + draw_rule(order, y)
    return SheetPage(number, drawing, (comb,), comb, blanks), y + 4


def draw_corners(order: Order) -> Drawing:
    """Solid squares in three corners and a ring of the same size at the lower right."""
    right, foot = order.size[0] - MARK_AT - MARK, order.size[1] - MARK_AT - MARK
    squares = (Area(x, y, MARK, MARK) for x, y in ((MARK_AT, MARK_AT), (right, MARK_AT), (MARK_AT, foot)))
    thick = MARK / 4
    ring = (
        *(Area(right, y, MARK, thick) for y in (foot, foot + MARK - thick)),
        *(Area(x, foot, thick, MARK) for x in (right, right + MARK - thick)),
    )
    return Drawing(solids=(*squares, *ring, *draw_track(MARK_AT, order, 0), *draw_track(right, order, 1)))


def draw_track(x: float, order: Order, side: int) -> Iterator[Area]:
    """The patterns down one margin."""
    count = int((order.size[1] - 2 * TRACK_END) / TRACK_PITCH)
    pitch = (order.size[1] - 2 * TRACK_END - 3 * TRACK_DOT) / count
    for number in range(count + 1):
        bits = (2 * number + side + 1) * 167 % 509
        for bit in (bit for bit in range(9) if bits >> bit & 1):
            row, column = divmod(bit, 3)
            yield Area(x + column * TRACK_DOT, TRACK_END + number * pitch + row * TRACK_DOT, TRACK_DOT, TRACK_DOT)


def draw_head(order: Order) -> Drawing:
    """The title."""
    room = order.width - CODE - 40
    return Drawing((Words(order.title, SIDE, 18, room, TITLE, bold=True),)) + draw_rule(order, HEAD_END)


def draw_rule(order: Order, y: float) -> Drawing:
    """A line from margin to margin."""
    return Drawing(solids=(Area(SIDE, y, order.width, RULE),))


def draw_samples(order: Order, y: float, told: bool) -> tuple[Drawing, float]:
    """The ten digits to copy, below what is to be heeded if that is `told`; and how far down that reaches."""
    lines = [*INSTRUCTIONS, FILL] if any(set(asked.look) != {"#"} for asked in order.fields) else [*INSTRUCTIONS]
    words = []
    for text in lines if told else ():
        words.append(Words(text, SIDE, y + 2.2, order.width, SMALL))
        y += 4.3
    y += 1
    words.append(Words(COPY, SIDE, y + SAMPLE_HEIGHT / 2 + 1.1, 45, SMALL, bold=True))
    boxes: list[Area] = []
    paths: list[Path] = []
    for digit in range(10):
        x = SIDE + 48 + digit * (SAMPLE_WIDTH + SAMPLE_GAP)
        box = Area(x, y, SAMPLE_WIDTH, SAMPLE_HEIGHT)
        boxes.append(box)
        paths += write_digit(digit, box, SAMPLE_DIGIT, 0.45)
    return Drawing(tuple(words), outlines=tuple(boxes), paths=tuple(paths)), y + SAMPLE_HEIGHT + 4.5


def draw_known(order: Order, columns: Sequence[str], y: float) -> tuple[Drawing, tuple[Words, ...], float]:
    """The names of columns, two in a line, the places of their values, and how far down that reaches."""
    half = half_width(order)
    names, blanks = [], []
    for number, column in enumerate(columns):
        x, base = SIDE + number % 2 * (half + GUTTER), y + number // 2 * ROW + 3.5
        label = column.replace("_", " ")
        names.append(Words(label[:1].upper() + label[1:], x, base, VALUE_AT - 5, SMALL))
        is_alone = number % 2 == 0 and number == len(columns) - 1
        room = (order.width if is_alone else half) - VALUE_AT
        blanks.append(Words("", x + VALUE_AT, base, room, LABELS + 1, bold=True))
    return Drawing(tuple(names)), tuple(blanks), y + -(-len(columns) // 2) * ROW


def draw_field(comb: Comb, order: Order) -> Drawing:
    """Label, boxes and signs of a field."""
    asked, first = comb.asked, comb.boxes[0]
    label = f"{asked.label} ({asked.format})" if asked.format else asked.label
    words = [Words(label, first.x, first.y - 1.6, half_width(order), LABELS, bold=True)]
    x = first.x
    for part in split_look(asked.look):
        if part != "#" and part.strip():
            words.append(Words(part, x, first.y + BOX_HEIGHT - 2, SIGN * len(part), SIGNS, bold=True, tone="pale"))
        x += (BOX_WIDTH if part == "#" else SIGN * len(part)) + GAP
    return Drawing(tuple(words), outlines=comb.boxes)


def draw_foot(order: Order, number: int, count: int) -> Drawing:
    """The last line, and at the top of which page of how many this is."""
    at = order.size[0] - SIDE - CODE - 3
    words = [
        Words(CARE, SIDE, order.size[1] - MARK_AT - 1.5, order.width * 0.68, SMALL),
        Words(order.name, order.size[0] - SIDE, order.size[1] - MARK_AT - 1.5, order.width * 0.3, SMALL, False, True),
        Words(f"Page {number} of {count}", at, 22.5, 38, SMALL, from_right=True),
    ]
    return Drawing(tuple(words))


def fill_in(page: SheetPage, order: Order, copy: Copy, count: int) -> Drawing:
    """What is printed on the page of this one sheet only."""
    right = order.size[0] - SIDE
    code = f"{order.name} {copy.number} {page.number}/{count}"
    words = [Words(f"Sheet {copy.number}", right - CODE - 3, 13, 38, LABELS, bold=True, from_right=True)]
    values = copy.values if page.id is not None or order.id is None else (copy.id, *copy.values)
    words += [blank._replace(text=text) for blank, text in zip(page.blanks, values, strict=True) if text]
    digits = filter(str.isdigit, copy.id) if page.id is not None else ()
    paths = [
        path
        for digit, box in zip(digits, page.id.boxes if page.id else (), strict=False)
        for path in write_digit(int(digit), box, ID_DIGIT, PEN)
    ]
    square = Squares(code, Area(right - CODE, 9, CODE, CODE))
    return Drawing(tuple(words), paths=tuple(paths), codes=(square,))


def write_digit(digit: int, box: Area, height: float, width: float) -> Iterator[Path]:
    """The strokes of a digit in the middle of a box."""
    x, y = box.x + box.width / 2, box.y + (box.height - height) / 2
    for stroke in draw_digit(digit):
        yield Path(tuple((x + height * across, y + height * down) for across, down in stroke.tolist()), width)


def specify(comb: Comb, page: int) -> FieldSpec:
    """The field as it stands in the form file, its boxes in pixels at `FORM_DPI`."""
    asked = comb.asked
    given: dict[str, object] = {"type": asked.type, **dict(asked.lengths)}
    given |= {key: getattr(asked, key) for key in ("pattern", "format", "values") if getattr(asked, key)}
    given |= {"required": True} if asked.values else {}
    cells = [[round(side * MM) for side in box] for box in comb.boxes]
    return FieldSpec.model_validate({"name": asked.name, "page": page, "cells": cells, **given})

"""What taking rulings out does to the digits on them: `python benchmarks/scars.py [--seeds N] [--only PART]`.

Numbers are written on drawn sheets, with a seeded hand and pen, across and along the printed lines; each sheet is drawn
twice, with its rulings and without any. The sheet with rulings is cleaned, located and read as ever. The one without
gives the truth: what the same ink looks like, and reads as, where no ruling ever was.

A digit is changed by reading if the field's text differs at its place, and by ink if over a tenth of its ink is gone.
A line a way of writing and resolution: fields located, of all; digits; percent of them changed by reading, by ink, and
by either; percent of a digit's ink that is gone, the median and the 99th percentile; and what is left of the rulings,
in percent of the ink. `--only` chooses ways in whose name it stands; `--out DIR` keeps pictures of what changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from docproc.assemble.page import assemble, draft
from docproc.clean.page import clean, resample
from docproc.clean.paper import whiten_desk
from docproc.clean.strokes import keep_strokes
from docproc.clean.tone import binarize, even
from docproc.fields.locate import locate
from docproc.flow.pipeline import check, pack
from docproc.options import Options, Recipe
from docproc.recognize.models import Models, load_models
from docproc.recognize.style import settle
from docproc.segment.lattice import propose_all
from docproc.segment.own import FRAMED, gather_own
from docproc.train.paper import Homography, scan, to_bytes, to_grey
from docproc.train.pen import Stroke, draw_writer, glyph_strokes
from docproc.train.sheet import (
    BLACK,
    BLUE,
    PENCIL,
    Area,
    Hand,
    Pen,
    Place,
    Sheet,
    ink_on,
    print_text,
    rule,
    start_sheet,
)
from docproc.train.truth import keep_digits
from docproc.types import Box, CleanPage, Field, Page, PageRef, Reading

WIDTH, HEIGHT = 210.0, 148.0
"""Of a sheet, in millimetres."""
CELLS, PITCH = 8, 7.0
"""Cells of a comb, and their width in millimetres."""
PENS = (Pen(BLACK, 0.95), Pen(BLUE, 0.85), Pen(PENCIL, 0.6))
LOST = 0.1
"""A digit is changed by ink if it lost more than this share of it."""
KINDS = ("comb", "box", "table", "underline")
PLACES = ("within", "across", "along")
RESOLUTIONS = (100, 150, 200, 300)
BESIDE = 2
"""Pixels round the ink of a sheet without rulings; ink of the other sheet that is farther off is left of a ruling."""


class Row(NamedTuple):
    """A field on the sheet: the box that is printed, or stands above the line, and how its cells are parted."""

    area: Area
    walls: tuple[float, ...]


class Placed(NamedTuple):
    """A digit on the sheet: number of its row, and its strokes in pixels."""

    row: int
    text: str
    strokes: list[Stroke]
    pen: float


@dataclass
class Score:
    """Counts of one way of writing."""

    fields: int = 0
    found: int = 0
    digits: int = 0
    by_reading: int = 0
    by_ink: int = 0
    changed: int = 0
    left: int = 0
    ink: int = 0
    shares: list[float] = field(default_factory=list)


def lay_out(kind: str) -> list[Row]:
    """The fields of a sheet, two in a row of it."""
    rows = []
    for y, x in product(np.arange(16.0, 136.0, 13.0 if kind != "table" else 10.0), (38.0, 132.0)):
        wide, high = (CELLS * PITCH, 8.5) if kind == "comb" else (62.0, 10.0)
        walls = tuple(x + i * PITCH for i in range(CELLS + 1)) if kind == "comb" else (x, x + wide)
        walls = () if kind == "underline" else walls
        rows.append(Row(Area(x, float(y), wide, high), walls))
    return rows


def print_rulings(sheet: Sheet, kind: str, rows: list[Row]) -> None:
    """Print what surrounds the fields."""
    line, grey = float(sheet.rng.uniform(0.18, 0.4)), float(sheet.rng.choice([0.12, 0.3, 0.5]))
    colour = (grey, grey, grey + 0.01)
    for area, walls in rows:
        x, y, right, bottom = area.x, area.y, area.x + area.width, area.y + area.height
        rule(sheet, (x, bottom), (right, bottom), line, colour)
        if kind != "underline":
            rule(sheet, (x, y), (right, y), line, colour)
        for wall in walls:
            outer = wall in (walls[0], walls[-1])
            rule(sheet, (wall, y), (wall, bottom), line if outer else 0.75 * line, colour)


def write_rows(sheet: Sheet, kind: str, place: str, rows: list[Row], hand: Hand) -> list[Placed]:
    """Write a number into each field; who misses a line misses all of them to the same side."""
    side = int(sheet.rng.integers(4))
    return [
        digit for number, row in enumerate(rows) for digit in write_row(sheet, kind, place, number, row, hand, side)
    ]


def write_row(sheet: Sheet, kind: str, place: str, number: int, row: Row, hand: Hand, side: int) -> Iterator[Placed]:
    """Write one number: a digit in each cell, or five to seven side by side."""
    rng, area = sheet.rng, row.area
    high = area.height * rng.uniform(0.55, 0.68)
    at = area.x + rng.uniform(2.5, 6)
    count = CELLS if kind == "comb" else int(rng.integers(5, 8))
    over = float(rng.uniform(0.1, 0.35))
    for i in range(count):
        text = str(rng.integers(10))
        glyph = [stroke * high for stroke in glyph_strokes(rng, text, hand.writer)]
        every = np.concatenate(glyph)
        wide = float(every[:, 0].max())
        if kind == "comb":
            at = area.x + (i + 0.5 + rng.normal(0, 0.05)) * PITCH - wide / 2
        top = area.y + (area.height - high) / 2 + rng.normal(0, 0.03) * area.height
        if kind == "underline":
            top = area.y + area.height - high - rng.uniform(0.4, 1.5)
        x, y = at, float(top)
        if place == "across":
            x, y = go_across(rng, kind, row, every, (x, y), side, over)
        elif place == "along":
            x, y = go_along(rng, kind, row, text, every, (x, y), i)
        strokes = [(stroke + np.array([x, y])) * sheet.dpi / 25.4 for stroke in glyph]
        ink_on(sheet, hand, strokes, high)
        pen = sheet.pixels(hand.writer.weight * (3.5 + 0.35 * high))
        yield Placed(number, text, strokes, pen)
        at = x + wide + high * hand.writer.spacing * rng.uniform(0.8, 1.3)


def go_across(rng: np.random.Generator, kind: str, row: Row, every: Stroke, at: Place, side: int, over: float) -> Place:
    """Where a digit goes that crosses a wall of its comb, or a line above or below, by that share of itself."""
    high = float(np.ptp(every[:, 1]))
    over += float(rng.normal(0, 0.04))
    if kind == "comb" and side < 2:
        wide = float(np.ptp(every[:, 0]))
        return at[0] + (1, -1)[side] * (PITCH / 2 + (over - 0.5) * wide), at[1]
    over *= high
    if kind != "underline" and side % 2:
        return at[0], row.area.y - float(every[:, 1].min()) - over
    return at[0], row.area.y + row.area.height - float(every[:, 1].max()) + over


def go_along(rng: np.random.Generator, kind: str, row: Row, text: str, every: Stroke, at: Place, i: int) -> Place:
    """Where a digit goes whose straightest stroke lies on a line: a 1 on a wall, the bar of a 7, the foot of a 2."""
    slip = float(rng.normal(0, 0.12))
    if text == "1" and kind == "comb":
        return row.walls[i] - float(np.median(every[:, 0])) + slip, at[1]
    if text in "57" and kind in ("comb", "box"):
        return at[0], row.area.y - float(every[:, 1].min()) + slip
    return at[0], row.area.y + row.area.height - float(every[:, 1].max()) + slip


def draw_pair(
    seed: int, kind: str, place: str, dpi: int
) -> tuple[np.ndarray, np.ndarray, list[Row], list[Placed], Homography]:
    """The same sheet with rulings and without, uint8[H, W] as scanned, and what is on it."""
    rows, pair = lay_out(kind), []
    for ruled in (True, False):
        rng = np.random.default_rng([seed, KINDS.index(kind), PLACES.index(place)])
        sheet = start_sheet(rng, WIDTH, HEIGHT, dpi)
        print_text(sheet, (14, 7), "SHEET FOR NUMBERS", 3.5)
        for n, row in enumerate(rows):
            print_text(sheet, (row.area.x - 22, row.area.y + 3), f"Count {chr(65 + n)}", 2.5)
        if ruled:
            print_rulings(replace(sheet, rng=np.random.default_rng(seed)), kind, rows)
        writer = draw_writer(int(rng.integers(1 << 30)))
        placed = write_rows(sheet, kind, place, rows, Hand(writer, PENS[seed % len(PENS)]))
        blur = 0.5 if dpi < 200 else 0.7
        seen, moved = scan(np.random.default_rng(seed), sheet.picture, 0.15, blur=blur, dust=5)
        pair.append(to_bytes(to_grey(seen)))
    return pair[0], pair[1], rows, placed, moved


def follow(points: np.ndarray, matrix: Homography) -> np.ndarray:
    """Points, float64[n, 2], under a map."""
    return np.asarray(cv2.perspectiveTransform(np.asarray(points, np.float64)[None], matrix)[0])


def bare_page(
    gray: np.ndarray, page: CleanPage, placed: list[Placed], moved: Homography
) -> tuple[CleanPage, np.ndarray]:
    """The page without rulings, laid as the other one was cleaned, and the number of the digit that each pixel of ink
    belongs to, 0 for none: int32[h, w]."""
    to_clean = np.linalg.inv(page.to_scan)
    gray = even(resample(whiten_desk(gray), to_clean[:2])[0], page.dpi)
    ink = binarize(gray, page.dpi)
    owner = np.zeros(ink.shape, np.int32)
    scale = float(np.sqrt(abs(np.linalg.det(to_clean[:2, :2]))))
    for number, digit in enumerate(placed, 1):
        for stroke in digit.strokes:
            there = follow(stroke + 0.5, to_clean @ moved)
            cv2.polylines(
                owner,
                [np.round(there * 16 - 8).astype(np.int32)],
                False,
                number,
                round(1.6 * digit.pen * scale) + 3,
                cv2.LINE_8,
                4,
            )
    owner *= ink
    return CleanPage(page.ref, gray, ink & (owner > 0), ink, (), page.dpi, page.to_scan), owner


def place_fields(
    rows: list[Row], placed: list[Placed], owner: np.ndarray, matrix: Homography, dpi: int
) -> list[tuple[Field, Box]]:
    """For each row the field that holds all its ink, and the box that is printed."""
    fields = []
    for number, (area, walls) in enumerate(rows):
        corners = np.array([(area.x, area.y), (area.x + area.width, area.y + area.height)]) * dpi / 25.4
        (x, y), (right, bottom) = np.round(follow(corners, matrix)).astype(int).tolist()
        printed = Box(x, y, right - x, bottom - y)
        own = np.isin(owner, [n for n, digit in enumerate(placed, 1) if digit.row == number])
        rows_there, columns = np.nonzero(own)
        if not walls:
            x, y, right, bottom = int(columns.min()), int(rows_there.min()), int(columns.max()), int(rows_there.max())
            printed = Box(x, y, right - x, bottom - y)
        x, y = min(x, int(columns.min())), min(y, int(rows_there.min()))
        right, bottom = max(right, int(columns.max()) + 1), max(bottom, int(rows_there.max()) + 1)
        fields.append((Field(str(number), Box(x, y, right - x, bottom - y), "strip"), printed))
    return fields


def read_fields(page: CleanPage, fields: tuple[Field, ...], models: Models, recipe: Recipe) -> list[Reading]:
    """The readings of fields of a clean page."""
    prepared = pack(page, propose_all(page, fields))
    drafts = draft(prepared, settle(models.classifier.classify(prepared.crops), recipe))
    (frames,) = check([prepared], [drafts], models.line_reader.read)
    return list(assemble(prepared, drafts, frames, recipe).readings)


def covers(box: Box, printed: Box) -> bool:
    """Whether a field is as wide as what it should hold: a part of a string is a matter of locating."""
    return min(box.right, printed.right) - max(box.x, printed.x) > 0.95 * printed.width


def overlap(one: Box, two: Box) -> float:
    """Intersection over the smaller box."""
    wide = min(one.right, two.right) - max(one.x, two.x)
    high = min(one.bottom, two.bottom) - max(one.y, two.y)
    return max(0, wide) * max(0, high) / min(one.width * one.height, two.width * two.height)


def differing(one: str, two: str) -> int:
    """Digits to change, add or take away to make one text the other (Levenshtein)."""
    last = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (a != b)))
        last = row
    return last[-1]


def grow(ink: np.ndarray, pixels: int) -> np.ndarray:
    """The ink with so many pixels round it."""
    return np.asarray(cv2.dilate(ink.astype(np.uint8), np.ones((2 * pixels + 1,) * 2, np.uint8)) > 0)


def compare(
    seed: int, kind: str, place: str, dpi: int, models: Models, recipe: Recipe, score: Score, out: Path | None
) -> None:
    """Draw, read and count one sheet."""
    ruled, bare, rows, placed, moved = draw_pair(seed, kind, place, dpi)
    page = clean(Page(PageRef(f"{kind} {place} {seed}", "", 1), ruled, float(dpi)), False)
    truth, owner = bare_page(bare, page, placed, moved)
    true = place_fields(rows, placed, owner, np.linalg.inv(page.to_scan) @ moved, dpi)
    known = read_fields(truth, tuple(entry for entry, _ in true), models, recipe)
    located = locate(page)
    page = keep_strokes(page, [found.box for found in located if found.kind in FRAMED])
    best = [max(located, key=lambda f, b=printed: overlap(f.box, b), default=None) for _, printed in true]
    pairs = [
        (number, found)
        for number, (found, (_, printed)) in enumerate(zip(best, true, strict=True))
        if found is not None and overlap(found.box, printed) > 0.6 and covers(found.box, printed)
    ]
    score.fields, score.found = score.fields + len(true), score.found + len(pairs)
    readings = read_fields(page, tuple(found for _, found in pairs), models, recipe)
    reach = grow(owner > 0, BESIDE)
    for (number, found), reading in zip(pairs, readings, strict=True):
        was, now = keep_digits(known[number].text), keep_digits(reading.text)
        grown, ink = gather_own(page, found, [other.box for other in located])
        box = grown.box
        kept = np.zeros(page.ink.shape, np.bool_)
        kept[box.y : box.bottom, box.x : box.right] = ink
        score.left += int((kept & ~reach).sum())
        near = grow(kept, 1)
        numbers = [n for n, digit in enumerate(placed, 1) if digit.row == number]
        scarred = 0
        for n in numbers:
            own = owner == n
            gone = own & ~near
            share = float(gone.sum()) / max(1, int(own.sum()))
            score.shares.append(share)
            score.ink += int(own.sum())
            scarred += share > LOST
        apart = min(differing(was, now), len(numbers))
        score.digits += len(numbers)
        score.by_reading += apart
        score.by_ink += scarred
        score.changed += max(apart, scarred)
        if out is not None and (apart or scarred):
            draw(
                kept,
                page,
                truth,
                true[number][0].box,
                f"{was} > {now}",
                out / f"{kind}-{place}-{dpi}-{seed}-{number}.png",
            )


def draw(kept: np.ndarray, page: CleanPage, truth: CleanPage, box: Box, words: str, path: Path) -> None:
    """A field with rulings, without them, and what is gone (red) or left of rulings (blue)."""
    x, y, right, bottom = max(0, box.x - 20), max(0, box.y - 20), box.right + 20, box.bottom + 20
    part = np.s_[y:bottom, x:right]
    seen, bare = (np.dstack([gray[part]] * 3) for gray in (page.gray, truth.gray))
    now, was = kept[part], truth.ink[part]
    what = np.full_like(seen, 255)
    what[now & was] = 0
    what[was & ~now] = (0, 0, 255)
    what[now & ~was] = (255, 120, 0)
    picture = np.vstack([seen, bare, what])
    cv2.putText(picture, words, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 200), 1)
    cv2.imwrite(str(path), picture)


def main() -> None:
    """Print a line for each way of writing and resolution, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    models = load_models(None, "cpu")
    recipe = Recipe(Options(), models.digest, models.calibration)
    print(f"{'':22} fields       digits  reading    ink  either  gone: median   99 %    left")
    total = Score()
    for kind, place, dpi in product(KINDS, PLACES, RESOLUTIONS):
        way, score = f"{kind} {place} {dpi}", Score()
        if given.only not in way:
            continue
        for seed in range(given.seeds):
            compare(seed, kind, place, dpi, models, recipe, score, given.out)
        tell(way, score)
        total = Score(*(a + b for a, b in zip(astuple(total), astuple(score), strict=True)))
    tell("all", total)


def tell(way: str, score: Score) -> None:
    """Print one line."""
    digits = max(1, score.digits)
    parts = [100 * count / digits for count in (score.by_reading, score.by_ink, score.changed)]
    gone = 100 * np.percentile(score.shares or [0.0], (50, 99))
    print(
        f"{way:22} {score.found:4} of {score.fields:4} {score.digits:6} {parts[0]:7.2f} {parts[1]:7.2f} {parts[2]:7.2f}"
        f" {gone[0]:12.1f} {gone[1]:7.1f} {100 * score.left / max(1, score.ink):7.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Walls of digits that were read alike: many on one screen, and what somebody says of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from docproc.apps.review.pictures import encode
from docproc.apps.review.words import measure
from docproc.flow.evidence import decode_strip, lay_boxes
from docproc.records.corrections import Changed, add, read_state
from docproc.records.grid import (
    Attention,
    Tile,
    judge_tiles,
    list_planted,
    list_tiles,
    measure_attention,
    replace_digit,
)
from docproc.records.items import read_item
from docproc.records.lanes import Tick
from docproc.records.ledger import Ledger
from docproc.records.matching import Answer
from docproc.types import Gray, Reading

TILES, PLANTED = 60, 2
"""Of one wall, the planted ones among them."""
ASKED = 4
"""So many times as many digits are looked through, since some have no picture any more."""
COLUMNS, SIDE, MARGIN = 12, 96, 0.35
"""Tiles in a row of the picture, pixels of a tile, and share of a digit's height shown around it."""


class Shown(NamedTuple):
    """A digit on a wall: the reading it belongs to, and the version of its field."""

    tile: Tile
    reading: Reading
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """What one person has before them; which tiles are planted the page does not know."""

    who: str
    digit: str
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a wall: digits `verified`, fields corrected at once, fields that go to the queue, and what somebody
    found of the planted ones here and `ever`."""

    verified: int
    keyed: int
    queued: int
    attention: Attention
    ever: Attention


def build_wall(ledger: Ledger, recipe: str, who: str, digit: str, seed: int) -> Wall:
    """The least typical of the digits read as this one, some others planted among them; empty if none is left."""
    shown = list(_look(ledger, list_tiles(ledger, recipe, digit, ASKED * TILES), TILES - PLANTED))
    if shown:
        chance = random.Random(seed)
        for planted in _look(ledger, list_planted(ledger, recipe, digit, ASKED * PLANTED, seed), PLANTED):
            shown.insert(chance.randint(0, len(shown)), planted)
    return Wall(who, digit, tuple(shown))


def _look(ledger: Ledger, tiles: Sequence[Tile], count: int) -> list[Shown]:
    """The first tiles of which there is a picture."""
    found: list[Shown] = []
    for tile in tiles:
        if len(found) == count:
            break
        try:
            item = read_item(ledger, tile.item)
        except Changed:
            continue
        reading = item.reading
        # What is flagged may be wrong, and so is no measure of anybody's attention.
        doubtful = reading is None or (tile.planted and (reading.review or item.verdict.disputed))
        if reading is not None and not doubtful and measure(item.strip) and tile.place < len(reading.digits):
            found.append(Shown(tile, reading, item.version))
    return found


def draw_wall(wall: Wall) -> bytes:
    """The tiles of a wall as one PNG, row by row."""
    rows = -(-len(wall.shown) // COLUMNS)
    sheet = np.full((max(1, rows) * SIDE, COLUMNS * SIDE), 255, np.uint8)
    for number, shown in enumerate(wall.shown):
        tile = cut_tile(shown.reading, shown.tile.place)
        if tile is not None:
            top, left = SIDE * (number // COLUMNS), SIDE * (number % COLUMNS)
            sheet[top : top + SIDE, left : left + SIDE] = tile
    return encode(".png", sheet)


def cut_tile(reading: Reading, place: int) -> Gray | None:
    """A digit out of its strip with what stands around it: uint8[SIDE, SIDE]; None where there is no picture."""
    strip = decode_strip(reading.strip)
    if strip is None:
        return None
    height, width = strip.shape
    box = lay_boxes(reading, (height, width))[place]
    half = round(max(box.width, box.height) * (0.5 + MARGIN))
    x, y = box.x + box.width // 2, box.y + box.height // 2
    # what stands beside it is shown paler, so that nobody takes it for the digit
    pale = (strip.astype(np.uint16) + 2 * 255) // 3
    pale[box.y : box.bottom, box.x : box.right] = strip[box.y : box.bottom, box.x : box.right]
    padded = cv2.copyMakeBorder(pale.astype(np.uint8), half, half, half, half, cv2.BORDER_CONSTANT, value=255)
    part = padded[y : y + 2 * half, x : x + 2 * half]
    if not part.size:
        return None
    way = cv2.INTER_AREA if part.shape[0] > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=way), np.uint8)


def judge_wall(ledger: Ledger, wall: Wall, found: Mapping[int, str]) -> Judged:
    """Keep what somebody says of a wall: `found` are the numbers of the wrong tiles, each with the right digit or "".

    A field is corrected at once if its right digits were keyed and nothing else calls for a look at it; the others with
    a wrong digit wait in the queue.
    """
    wrong: dict[int, dict[int, str]] = {}
    fields: dict[int, Shown] = {}
    for number, right in found.items():
        shown = wall.shown[number]
        if not shown.tile.planted:
            wrong.setdefault(shown.tile.item, {})[shown.tile.place] = right
            fields[shown.tile.item] = shown
    keyed = sum(_correct(ledger, wall.who, fields[item], places) for item, places in wrong.items())
    # last, since said again it would count again
    judge_tiles(ledger, wall.who, [(shown.tile, number in found) for number, shown in enumerate(wall.shown)])
    planted = [number for number, shown in enumerate(wall.shown) if shown.tile.planted]
    caught = sum(number in found for number in planted)
    verified = len(wall.shown) - len(planted) - sum(not wall.shown[number].tile.planted for number in found)
    attention = Attention(caught, len(planted) - caught)
    return Judged(verified, keyed, len(wrong) - keyed, attention, measure_attention(ledger, wall.who))


def _correct(ledger: Ledger, who: str, shown: Shown, places: Mapping[int, str]) -> bool:
    """Correct a field by its wrong digits, if all of them were keyed; whether that was done."""
    if shown.reading.review or not all(places.values()):
        return False
    text = shown.reading.text
    for place, digit in places.items():
        text = replace_digit(text, place, digit)
    state = read_state(ledger, shown.tile.item)
    if state is None or state.version != shown.version:
        return False
    try:
        add(ledger, shown.tile.item, shown.version, Answer("value", text), who, "grid")
    except Changed:
        return False
    return True


def describe_ticks(ticks: Sequence[Tick]) -> list[dict[str, object]]:
    """How many of each digit there are, and are left."""
    return [{"digit": tick.name, "total": tick.total, "left": tick.left} for tick in ticks if tick.name.isdigit()]

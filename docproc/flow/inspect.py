"""One page, one picture a stage: what docproc saw, found, cut and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.assemble.page import assemble, draft
from docproc.clean.page import clean
from docproc.errors import FAILURES, InputError, PageError
from docproc.fields.locate import locate
from docproc.flow.pipeline import Classify, ReadLines, check, pack
from docproc.options import Recipe
from docproc.pages.load import load
from docproc.recognize.style import settle
from docproc.segment.lattice import Proposal, propose
from docproc.segment.normalize import SIDE
from docproc.types import NOT_A_DIGIT, Box, CleanPage, Crops, Gray, Page, PageRef, Probs, Reading

Picture = NDArray[np.uint8]
"""uint8[h, w, 3], blue first as OpenCV has it."""
TEAL, ORANGE, RED, GREEN, INK = (150, 130, 0), (0, 130, 240), (40, 40, 210), (60, 150, 40), (60, 40, 20)
STATUS_COLOR = {"value": GREEN, "blank": TEAL, "unreadable": RED, "failed": RED}
LONGEST = 1600
"""Pictures are drawn at most this many pixels long: enough to read on a screen and in the docs."""
SHEET_COLUMNS = 24


def inspect(ref: PageRef, recipe: Recipe, classify: Classify, read_lines: ReadLines, out: Path) -> tuple[Path, ...]:
    """Write `1-scan.png` to `7-reading.png` into `out` and return their paths.

    Raises InputError where the page cannot be read at all.
    """
    try:
        page = load(ref, recipe.options)
    except PageError as error:
        meaning, remedy = FAILURES[error.code]
        raise InputError(f"{ref.source} page {ref.number}: {meaning} {error.detail}; {remedy}") from error
    cleaned = clean(page, recipe.options.strips)
    proposals = [propose(cleaned, field) for field in locate(cleaned, recipe.options.strips)]
    prepared = pack(cleaned, proposals)
    drafts = draft(prepared, settle(classify(prepared.crops), recipe))
    (frames,) = check([prepared], [drafts], read_lines)
    readings = assemble(prepared, drafts, frames, recipe).readings
    crops = np.split(prepared.crops, np.cumsum([len(drafted.probs) for drafted in drafts]))[:-1]
    probs = [drafted.probs for drafted in drafts]
    out.mkdir(parents=True, exist_ok=True)
    stages: Iterable[tuple[str, Callable[[], Picture]]] = (
        ("1-scan", lambda: _fit(_colored(page.gray))),
        ("2-clean", lambda: _fit(_colored(_ink(cleaned)))),
        ("3-rulings", lambda: _rulings(cleaned)),
        ("4-fields", lambda: _fields(cleaned, proposals)),
        ("5-cuts", lambda: _cuts(cleaned, proposals)),
        ("6-crops", lambda: _sheet(crops, probs)),
        ("7-reading", lambda: _reading(page, readings)),
    )
    paths = []
    for name, draw in stages:
        paths.append(out / f"{name}.png")
        cv2.imwrite(str(paths[-1]), draw())
    return tuple(paths)


def _colored(gray: Gray) -> Picture:
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def _fit(picture: Picture) -> Picture:
    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _ink(page: CleanPage) -> Gray:
    return np.where(page.ink, 0, 255).astype(np.uint8)


def _outline(picture: Picture, box: Box, color: tuple[int, int, int], width: int) -> None:
    cv2.rectangle(picture, (box.x, box.y), (box.right - 1, box.bottom - 1), color, width)


def _line_width(picture: Picture) -> int:
    return max(1, round(int(max(picture.shape[:2])) / 900))


def _rulings(page: CleanPage) -> Picture:
    picture = _colored(np.asarray(255 - (255 - page.gray) // 3, np.uint8))
    for ruling in page.rulings:
        color = ORANGE if ruling.horizontal else TEAL
        _outline(picture, ruling.box, color, _line_width(picture))
    return _fit(picture)


def _fields(page: CleanPage, proposals: list[Proposal]) -> Picture:
    picture = _colored(page.gray)
    width = _line_width(picture)
    for proposal in proposals:
        field = proposal.lattice.field
        _outline(picture, field.box, TEAL, 2 * width)
        for cell in field.cells:
            _outline(picture, cell, ORANGE, width)
        _write(picture, f"{field.name} {field.kind}", (field.box.x, field.box.y - 4), TEAL)
    return _fit(picture)


def _cuts(page: CleanPage, proposals: list[Proposal]) -> Picture:
    """Each piece of the lattices in a color of its own; neighbours differ."""
    picture = np.full((*page.gray.shape, 3), 255, np.uint8)
    wheel = np.array([(200, 80, 0), (0, 120, 230), (60, 150, 40), (180, 40, 160), (40, 40, 210)], np.uint8)
    for proposal in proposals:
        box = proposal.lattice.field.box
        view = picture[box.y : box.bottom, box.x : box.right]
        inked = proposal.labels > 0
        view[inked] = wheel[proposal.labels[inked] % len(wheel)]
    return _fit(picture)


def _sheet(crops: list[Crops], probs: list[Probs]) -> Picture:
    """Contact sheet of all crops, each over what the classifier calls it; rejects are crossed."""
    every = np.concatenate([np.zeros((0, SIDE, SIDE), np.uint8), *crops])
    names = [int(row.argmax()) for part in probs for row in part]
    cell = SIDE + 18
    rows = max(1, -(-len(every) // SHEET_COLUMNS))
    picture = np.full((rows * cell, SHEET_COLUMNS * (SIDE + 8), 3), 255, np.uint8)
    for i, (crop, name) in enumerate(zip(every, names, strict=True)):
        y, x = i // SHEET_COLUMNS * cell, i % SHEET_COLUMNS * (SIDE + 8)
        picture[y : y + SIDE, x : x + SIDE] = 255 - crop[:, :, None]
        rejected = name == NOT_A_DIGIT
        cv2.putText(
            picture, "x" if rejected else str(name), (x + 9, y + SIDE + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42,
            RED if rejected else INK, 1, cv2.LINE_AA,
        )  # fmt: skip
    return picture


def _reading(page: Page, readings: Sequence[Reading]) -> Picture:
    picture = _colored(page.gray)
    width = _line_width(picture)
    for reading in readings:
        color = ORANGE if reading.status == "value" and reading.review else STATUS_COLOR[reading.status]
        _outline(picture, reading.box, color, 2 * width)
        text = f"{reading.text} {reading.confidence:.2f}" if reading.status == "value" else reading.status
        _write(picture, text, (reading.box.x, reading.box.y - 4), color)
    return _fit(picture)


def _write(picture: Picture, text: str, place: tuple[int, int], color: tuple[int, int, int]) -> None:
    size = max(picture.shape[:2]) / 2800
    y = max(place[1], round(24 * size))
    thickness = max(1, round(2 * size))
    cv2.putText(picture, text, (place[0], y), cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)

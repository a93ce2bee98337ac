"""One page, one picture a stage: what docproc saw, found, cut and read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from docproc.assemble.page import assemble, draft
from docproc.errors import FAILURES, InputError, LedgerError, PageError
from docproc.flow.drawing import GREEN, INK, ORANGE, RED, TEAL, Picture, colored, fit, line_width, outline, save, write
from docproc.flow.pipeline import Classify, ReadLines, check, find, pack
from docproc.options import Recipe
from docproc.pages.load import load
from docproc.recognize.style import settle
from docproc.segment.lattice import Proposal, propose_all
from docproc.segment.normalize import SIDE
from docproc.types import NOT_A_DIGIT, CleanPage, Crops, Gray, Page, PageRef, Probs, Reading

STATUS_COLOR = {"value": GREEN, "blank": TEAL, "unreadable": RED, "failed": RED}
SHEET_COLUMNS = 24


def inspect(ref: PageRef, recipe: Recipe, classify: Classify, read_lines: ReadLines, out: Path) -> tuple[Path, ...]:
    """Write `1-scan.png` to `7-reading.png` into `out` and return their paths.

    Raises InputError where the page cannot be read at all, LedgerError where the pictures cannot be written.
    """
    try:
        page = load(ref, recipe.options)
        cleaned, fields, place = find(page, recipe)
    except PageError as error:
        meaning, remedy = FAILURES[error.code]
        raise InputError(f"{ref.source} page {ref.number}: {meaning} {error.detail}; {remedy}") from error
    proposals = propose_all(cleaned, fields)
    prepared = replace(pack(cleaned, proposals), place=place)
    drafts = draft(prepared, settle(classify(prepared.crops), recipe))
    (frames,) = check([prepared], [drafts], read_lines)
    readings = assemble(prepared, drafts, frames, recipe).readings
    crops = np.split(prepared.crops, np.cumsum([len(drafted.probs) for drafted in drafts]))[:-1]
    probs = [drafted.probs for drafted in drafts]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"cannot make the folder {out}: {error.strerror}; choose another --out") from error
    stages: Iterable[tuple[str, Callable[[], Picture]]] = (
        ("1-scan", lambda: fit(colored(page.gray))),
        ("2-clean", lambda: fit(colored(_ink(cleaned)))),
        ("3-rulings", lambda: _rulings(cleaned)),
        ("4-fields", lambda: _fields(cleaned, proposals)),
        ("5-cuts", lambda: _cuts(cleaned, proposals)),
        ("6-crops", lambda: _sheet(crops, probs)),
        ("7-reading", lambda: _reading(page, readings)),
    )
    paths = []
    for name, draw in stages:
        paths.append(out / f"{name}.png")
        save(draw(), paths[-1])
    return tuple(paths)


def _ink(page: CleanPage) -> Gray:
    return np.where(page.ink, 0, 255).astype(np.uint8)


def _rulings(page: CleanPage) -> Picture:
    picture = colored(np.asarray(255 - (255 - page.gray) // 3, np.uint8))
    for ruling in page.rulings:
        color = ORANGE if ruling.horizontal else TEAL
        outline(picture, ruling.box, color, line_width(picture))
    return fit(picture)


def _fields(page: CleanPage, proposals: list[Proposal]) -> Picture:
    picture = colored(page.gray)
    width = line_width(picture)
    for proposal in proposals:
        field = proposal.lattice.field
        outline(picture, field.box, TEAL, 2 * width)
        for cell in field.cells:
            outline(picture, cell, ORANGE, width)
        write(picture, f"{field.name} {field.kind}", (field.box.x, field.box.y - 4), TEAL)
    return fit(picture)


def _cuts(page: CleanPage, proposals: list[Proposal]) -> Picture:
    """Each piece of the lattices in a color of its own; neighbours differ."""
    picture = np.full((*page.gray.shape, 3), 255, np.uint8)
    wheel = np.array([(200, 80, 0), (0, 120, 230), (60, 150, 40), (180, 40, 160), (40, 40, 210)], np.uint8)
    for proposal in proposals:
        box = proposal.lattice.field.box
        view = picture[box.y : box.bottom, box.x : box.right]
        inked = proposal.labels > 0
        view[inked] = wheel[proposal.labels[inked] % len(wheel)]
    return fit(picture)


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
    picture = colored(page.gray)
    width = line_width(picture)
    for reading in readings:
        color = ORANGE if reading.status == "value" and reading.review else STATUS_COLOR[reading.status]
        outline(picture, reading.box, color, 2 * width)
        text = f"{reading.text} {reading.confidence:.2f}" if reading.status == "value" else reading.status
        write(picture, text, (reading.box.x, reading.box.y - 4), color)
    return fit(picture)

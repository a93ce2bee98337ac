"""Scans held against a form: where its fields lie on each, or why a scan would be refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.errors import FAILURES, PageError
from docproc.fields.bends import place_points
from docproc.fields.register import register
from docproc.flow.drawing import GREEN, RED, Picture, colored, fit, line_width, outline, save, write
from docproc.flow.labels import make_unique
from docproc.options import Options
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.types import Box, Document, Form, Page, PageRef, Placement

BAND = 0.05
"""Share of its length at the top of a picture that is dimmed for the reason of a refusal."""

SMALL = 0.6
"""Names are written over the scan, and must leave the field above legible."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One page of a scan: which page of the form it is and how far off, in mm; or, with `page` 0, why it is refused."""

    source: str
    number: int
    page: int
    residual: float
    refusal: str
    picture: Path | None


def check_scans(form: Form, sources: Iterable[str], options: Options, out: Path) -> Iterator[Checked]:
    """Register every page of the scans and draw it into the folder `out`; what is no document is left out."""
    used: set[str] = set()
    for source in sources:
        document = survey(source, options)
        if document.skipped is not None:
            continue
        if document.failure is not None:
            refusal = explain(PageError(document.failure.code, document.failure.detail))
            yield Checked(source, 0, 0, 0.0, refusal, None)
        for number in range(1, document.pages + 1):
            stem = Path(source).stem if document.pages == 1 else f"{Path(source).stem}-{number}"
            name = make_unique(stem, used)
            used.add(name)
            yield check_page(form, document, number, options, out / f"{name}.png")


def check_page(form: Form, document: Document, number: int, options: Options, picture: Path) -> Checked:
    """Register one page and draw it."""
    try:
        page = load(PageRef(document.source, document.digest, number), options)
    except PageError as error:
        return Checked(document.source, number, 0, 0.0, explain(error), None)
    try:
        placement = register(page.gray, form.pages)
    except PageError as error:
        refusal = explain(error)
        save(draw_refused(page, error.detail or refusal), picture)
        return Checked(document.source, number, 0, 0.0, refusal, picture)
    save(draw_placed(page, placement), picture)
    return Checked(document.source, number, placement.page.number, placement.residual, "", picture)


def explain(error: PageError) -> str:
    """Why a page is refused, in one line."""
    meaning, _ = FAILURES[error.code]
    return f"{error.code}: {error.detail or meaning}"


def draw_placed(page: Page, placement: Placement) -> Picture:
    """The scan with each field and cell where it lies on it."""
    picture = colored(page.gray)
    width = line_width(picture)
    for field in placement.page.fields:
        for box in field.cells:
            cv2.polylines(picture, [corners(box, placement)], True, GREEN, width, cv2.LINE_AA)
        around = corners(field.box, placement)
        cv2.polylines(picture, [around], True, GREEN, 2 * width, cv2.LINE_AA)
        write(picture, field.name, (int(around[:, 0].min()), int(around[:, 1].min()) - 3 * width), GREEN, SMALL)
    return fit(picture)


def corners(box: Box, placement: Placement) -> NDArray[np.int32]:
    """The corners of a box of the form on the scan, int32[4, 2]."""
    points = np.array([(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)], np.float64)
    return np.asarray(np.round(place_points(placement, points)), np.int32)


def draw_refused(page: Page, why: str) -> Picture:
    """The scan framed in red, with the reason at its top."""
    picture = colored(page.gray)
    height, width = page.gray.shape
    band = round(BAND * max(height, width))
    picture[:band] = 255 - (255 - picture[:band]) // 4
    outline(picture, Box(0, 0, width, height), RED, 4 * line_width(picture))
    write(picture, why, (band // 3, round(band * 0.65)), RED)
    return fit(picture)

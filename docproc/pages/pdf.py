"""One page of a PDF to a page: the scan inside it where there is one, else a rendering."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pikepdf

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.content import Content, Matrix, Painted, read_content
from docproc.pages.document import POINTS, Sheet, find_sheet, open_document, unlock_in_pdfium
from docproc.pages.embedded import Picture, decode_picture
from docproc.pages.images import decoding
from docproc.pages.render import render, render_by_pdfium
from docproc.pages.resolution import LONGEST_PAPER, find_dpi
from docproc.types import Gray, Page, PageRef

SQUARE_WITHIN = 0.03
"""Pixels may differ from squares by this share and still be taken as stored; a fax's 204 x 98 dpi may not."""
COVERS_MOST = 0.5
"""Share of the page; a damaged picture so large is a damaged page, a smaller one is flagged."""

# PDFium crashes or mixes up pages when two threads call it, and an open document belongs to one thread at a time.
_ONE_AT_A_TIME = threading.Lock()


def count_pages(data: bytes, passwords: tuple[str, ...] = ()) -> int:
    """How many pages a PDF has; raises PageError where it needs another password or cannot be repaired."""
    with _ONE_AT_A_TIME, decoding():
        opened = open_document(data, passwords)
        return len(unlock_in_pdfium(data, passwords)) if opened is None else len(opened.pdf.pages)


def read_pdf_page(data: bytes, ref: PageRef, options: Options) -> Page:
    """Page `ref.number` of a PDF; raises PageError.

    Where one opaque picture covers the page it comes out at its own resolution; any other page is rendered at
    `options.render_dpi`, after a strict look at the pictures it paints.
    """
    with _ONE_AT_A_TIME, decoding():
        opened = open_document(data, options.passwords)
        if opened is None:
            return _read_beyond_repair(data, ref, options)
        pdf = opened.pdf
        flags: tuple[str, ...] = ("repaired",) if opened.repaired else ()
        if not 1 <= ref.number <= len(pdf.pages):
            raise PageError("damaged", f"no page {ref.number}")
        page = pdf.pages[ref.number - 1]
        sheet = find_sheet(page)
        content = read_content(page, sheet.box)
        if content.sole is not None:
            picture = decode_picture(content.sole.image, options.max_megapixels)
            extracted = _extract(picture, content.sole, sheet)
            if extracted is not None:
                flags += ("damaged-picture",) if picture.damaged else ()
                gray, dropped, dpi = extracted
                return _measure(Page(ref, gray, dpi, flags, dropped), options)
        findings, pictures = _check_pictures(content, page, sheet, options)
        dpi, is_scan = _render_dpi(content, sheet, options)
        gray = render(opened, data, ref.number, sheet, dpi, options)
        if content.missing and _is_blank(gray):
            raise PageError("damaged", "the picture on the page is missing from the file")
        if (content.paints or opened.repaired) and _is_blank(gray) and not _explain_blank(content, pictures):
            findings += ("blank-render",)
        rendered = Page(ref, gray, dpi, flags + findings)
        return _measure(rendered, options) if is_scan else rendered


def _measure(page: Page, options: Options) -> Page:
    """A scan's page, its resolution checked: the size of a PDF page is as easily wrong as any claim."""
    height, width = page.gray.shape
    dpi, estimated = find_dpi((page.dpi, page.dpi), width, height, strip=options.strips)
    return replace(page, dpi=dpi, flags=page.flags + (("resolution-estimated",) if estimated else ()))


def _extract(picture: Picture, painted: Painted, sheet: Sheet) -> tuple[Gray, Gray | None, float] | None:
    """The covering picture as shown, the same without its coloured print if it has any, and its resolution.

    None where only a rendering shows it right.
    """
    gray = picture.gray
    if gray is None:
        return None
    x, y = _dpi(painted.matrix, gray.shape[1], gray.shape[0], sheet)
    if abs(x - y) > SQUARE_WITHIN * min(x, y):
        return None
    dropped = None if picture.dropped is None else _place(picture.dropped, painted.matrix, sheet.turns)
    return _place(gray, painted.matrix, sheet.turns), dropped, math.sqrt(x * y)


def _dpi(matrix: Matrix, width: int, height: int, sheet: Sheet) -> tuple[float, float]:
    """Resolution of a picture along its rows and its columns."""
    across, down = np.hypot(matrix[0, 0], matrix[0, 1]), np.hypot(matrix[1, 0], matrix[1, 1])
    return width / max(float(across) * sheet.inch, 1e-6), height / max(float(down) * sheet.inch, 1e-6)


def _place(gray: Gray, matrix: Matrix, turns: int) -> Gray:
    """A stored picture flipped and turned as its matrix and the page's rotation show it."""
    # Where one step to the right, and one step down, in the stored picture lead on a screen whose y runs downward.
    right = (matrix[0, 0], -matrix[0, 1])
    down = (-matrix[1, 0], matrix[1, 1])
    for _ in range(turns):
        right, down = (-right[1], right[0]), (-down[1], down[0])
    if abs(right[0]) < abs(right[1]):
        gray, right, down = gray.T, down, right
    if right[0] < 0:
        gray = gray[:, ::-1]
    if down[1] < 0:
        gray = gray[::-1]
    return np.ascontiguousarray(gray)


def _check_pictures(
    content: Content, page: pikepdf.Page, sheet: Sheet, options: Options
) -> tuple[tuple[str, ...], tuple[Picture, ...]]:
    """Decode every picture that a rendered page paints: renderers leave damage white and say nothing."""
    pictures = []
    damaged = content.missing
    for painted in content.pictures:
        try:
            picture = decode_picture(painted.image, options.max_megapixels)
            pictures.append(picture)
            damaged = damaged or picture.damaged
        except PageError:
            if _covered(painted.matrix, sheet) >= COVERS_MOST:
                raise
            damaged = True
    if not content.complete:
        for image in _all_images(page):
            try:
                decode_picture(image, options.max_megapixels)
            except PageError:
                damaged = True
    return (("damaged-picture",) if damaged else ()), tuple(pictures)


def _all_images(page: pikepdf.Page) -> list[Any]:
    try:
        return list(page.get_images().values())
    except Exception:  # resources that are no dictionary at all
        return []


def _covered(matrix: Matrix, sheet: Sheet) -> float:
    """Share of the page's area that a picture takes."""
    left, bottom, right, top = sheet.box
    return abs(float(np.linalg.det(matrix[:2, :2]))) / ((right - left) * (top - bottom))


def _is_blank(gray: Gray) -> bool:
    return bool(gray.min() == gray.max())


def _explain_blank(content: Content, pictures: tuple[Picture, ...]) -> bool:
    """Whether a page came out blank because the pictures it paints are blank, as the back of a sheet is."""
    if not content.complete or not pictures or len(pictures) != len(content.pictures):
        return False
    return all(picture.gray is not None and _is_blank(picture.gray) for picture in pictures)


def _render_dpi(content: Content, sheet: Sheet, options: Options) -> tuple[float, bool]:
    """The resolution to render at, and whether the page is a scan with something drawn over it.

    On a page larger than paper it is the resolution of the scan that makes the page so large.
    """
    found = [
        _dpi(painted.matrix, int(painted.image.get("/Width", 0)), int(painted.image.get("/Height", 0)), sheet)
        for painted in content.pictures
        if _covered(painted.matrix, sheet) >= COVERS_MOST
    ]
    if not found or max(sheet.size) <= LONGEST_PAPER:
        return float(options.render_dpi), bool(found)
    return min(float(options.render_dpi), max(max(pair) for pair in found)), True


def _read_beyond_repair(data: bytes, ref: PageRef, options: Options) -> Page:
    """A page of a file that only PDFium can open."""
    document = unlock_in_pdfium(data, options.passwords)
    if not 1 <= ref.number <= len(document):
        raise PageError("damaged", f"no page {ref.number}")
    gray = render_by_pdfium(document, ref.number, float(options.render_dpi), 1 / POINTS, options)
    flags = ("repaired", "blank-render") if _is_blank(gray) else ("repaired",)
    return Page(ref, gray, float(options.render_dpi), flags)

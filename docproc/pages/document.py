"""A PDF opened, and the geometry of its pages."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pikepdf
import pypdfium2

from docproc.errors import PageError

POINTS = 72.0
"""Points an inch."""
MOST_PARENTS = 64
LONGEST_SIDE = 1e6
"""Points; what is longer is no page."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The visible part of a page: box in points (left, bottom, right, top), quarter turns clockwise, inches a point."""

    box: tuple[float, float, float, float]
    turns: int
    inch: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as shown, inches."""
        left, bottom, right, top = self.box
        sides = ((right - left) * self.inch, (top - bottom) * self.inch)
        return sides if self.turns % 2 == 0 else (sides[1], sides[0])


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A document that qpdf could open.

    `repaired` says that it had to be mended, `locked` that only a password opened it: other readers are then given
    what `rewrite` makes of it.
    """

    pdf: pikepdf.Pdf
    repaired: bool
    locked: bool


@lru_cache(maxsize=1)
def open_document(data: bytes, passwords: tuple[str, ...] = ()) -> Opened | None:
    """The document as qpdf sees it, or None where it cannot open it; raises PageError where no password fits."""
    for password in ("", *_spell(passwords)):
        try:
            pdf = pikepdf.open(io.BytesIO(data), password=password, suppress_warnings=True)
            pages = len(pdf.pages)
            return Opened(pdf, pages > 0 and bool(pdf.get_warnings()), password != "")
        except pikepdf.PasswordError:
            continue
        except pikepdf.PdfError:
            return None
    raise _stay_out(passwords)


@lru_cache(maxsize=1)
def open_in_pdfium(data: bytes, password: str | None = None) -> Any:
    """The document as PDFium sees it, filled forms included; raises PdfiumError."""
    document = pypdfium2.PdfDocument(data, password)
    with suppress(pypdfium2.PdfiumError):
        document.init_forms()
    return document


def unlock_in_pdfium(data: bytes, passwords: tuple[str, ...] = ()) -> Any:
    """The document as PDFium sees it; raises PdfiumError, and PageError where no password fits."""
    for password in (None, *passwords):
        try:
            return open_in_pdfium(data, password)
        except pypdfium2.PdfiumError as error:
            reason = getattr(error, "err_code", None)
            if reason == pypdfium2.raw.FPDF_ERR_SECURITY:
                raise PageError("encrypted", "locked in a way that no password opens") from error
            if reason != pypdfium2.raw.FPDF_ERR_PASSWORD:
                raise
    raise _stay_out(passwords)


@lru_cache(maxsize=1)
def rewrite(opened: Opened) -> bytes:
    """The document with its structure mended and its lock taken off, for readers that would see it otherwise."""
    file = io.BytesIO()
    opened.pdf.save(file)
    return file.getvalue()


def find_sheet(page: pikepdf.Page) -> Sheet:
    """What of a page is shown; raises PageError where that cannot be a page."""
    media = _rectangle(_inherited(page.obj, "/MediaBox")) or (0.0, 0.0, 612.0, 792.0)
    crop = _rectangle(_inherited(page.obj, "/CropBox")) or media
    box = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    if box[2] <= box[0] or box[3] <= box[1]:
        box = media
    if max(box[2] - box[0], box[3] - box[1]) > LONGEST_SIDE:
        raise PageError("too-large", f"the page says that it is {box[2] - box[0]:g} x {box[3] - box[1]:g} points")
    try:
        turns = round(float(_inherited(page.obj, "/Rotate") or 0) / 90) % 4
        unit = float(page.obj.get("/UserUnit", 1))
    except (TypeError, ValueError, OverflowError):
        turns, unit = 0, 1.0
    unit = unit if math.isfinite(unit) and unit > 0 else 1.0
    return Sheet(box, turns, unit / POINTS)


def _spell(passwords: tuple[str, ...]) -> Iterator[str | bytes]:
    """Each password in the two ways that writers of PDF turn letters beyond ASCII into bytes."""
    for password in passwords:
        yield password
        if not password.isascii():
            with suppress(UnicodeError):
                yield password.encode("pdfdoc")


def _stay_out(passwords: tuple[str, ...]) -> PageError:
    count = len(passwords)
    return PageError("encrypted", f"{count} password{'s' * (count != 1)} tried" if count else "")


def _inherited(page: Any, key: str) -> Any:
    for _ in range(MOST_PARENTS):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            return None
        page = page["/Parent"]
    return None


def _rectangle(values: Any) -> tuple[float, float, float, float] | None:
    try:
        x1, y1, x2, y2 = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x1 == x2 or y1 == y2:
        return None
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)

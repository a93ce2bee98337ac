"""A PDF page painted: by poppler where it is installed, else by PDFium."""

from __future__ import annotations

import errno
import io
import math
import shutil
from contextlib import suppress
from typing import Any

import numpy as np
import pikepdf
import pypdfium2

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.document import POINTS, Opened, Sheet, open_in_pdfium, rewrite
from docproc.pages.images import check_size
from docproc.pages.troubles import NO_ROOM, name_trouble
from docproc.types import Gray

SHARE_OF_TIME = 0.8
"""Of the time limit of a page: poppler ends before the worker is ended and leaves it behind."""
SIZE_WITHIN = 2
"""Pixels by which a rendering may differ from the size that was asked for."""


def render(opened: Opened, data: bytes, number: int, sheet: Sheet, dpi: float, options: Options) -> Gray:
    """Page `number` of a document, whose bytes are `data`, painted on white; its size is checked before and after."""
    width, height = (max(1, math.ceil(side * dpi)) for side in sheet.size)
    check_size(width, height, options.max_megapixels)
    plain = rewrite(opened) if opened.locked else data
    if shutil.which("pdftoppm") and shutil.which("pdfinfo"):
        gray = _render_by_poppler(opened.pdf, plain, number, dpi, sheet, options.page_seconds)
        if gray is not None and _is_near(gray, width, height):
            return gray
    with suppress(pypdfium2.PdfiumError):
        document = open_in_pdfium(plain)
        if len(document) == len(opened.pdf.pages):
            return render_by_pdfium(document, number, dpi, sheet.inch, options)
    # PDFium sees other pages than qpdf, or cannot load this one: let it try what qpdf has mended.
    return render_by_pdfium(open_in_pdfium(rewrite(opened)), number, dpi, sheet.inch, options)


def _is_near(gray: Gray, width: int, height: int) -> bool:
    return bool(abs(gray.shape[1] - width) <= SIZE_WITHIN and abs(gray.shape[0] - height) <= SIZE_WITHIN)


def render_by_pdfium(document: Any, number: int, dpi: float, inch: float, options: Options) -> Gray:
    """Page `number` painted by PDFium; `inch` is how many inches a point is long."""
    page = document[number - 1]
    try:
        scale = dpi * inch
        width, height = (math.ceil(side * scale) for side in page.get_size())
        check_size(width, height, options.max_megapixels)
        bitmap = page.render(scale=scale, grayscale=True)
        return np.array(bitmap.to_numpy(), dtype=np.uint8).reshape(bitmap.height, bitmap.width)
    finally:
        page.close()


def _render_by_poppler(
    pdf: pikepdf.Pdf, data: bytes, number: int, dpi: float, sheet: Sheet, seconds: float
) -> Gray | None:
    """The page as poppler paints it, or None where it fails; a page that takes too long raises PageError."""
    from pdf2image import convert_from_bytes, exceptions

    # Forms and layers belong to the whole document; without them one page is enough to hand over.
    if "/AcroForm" not in pdf.Root and "/OCProperties" not in pdf.Root:
        file = io.BytesIO()
        with pikepdf.new() as single:
            single.pages.append(pdf.pages[number - 1])
            single.save(file)
        data, number = file.getvalue(), 1
    try:
        found = convert_from_bytes(
            data,
            dpi=dpi * sheet.inch * POINTS,  # type: ignore[arg-type]  # poppler takes fractions
            first_page=number,
            last_page=number,
            grayscale=True,
            use_cropbox=True,
            timeout=math.ceil(seconds * SHARE_OF_TIME),
        )
    except exceptions.PDFPopplerTimeoutError as error:
        raise PageError("timeout", f"not painted within {seconds:g} s") from error
    except Exception as error:  # pdf2image parses what poppler printed, and fails in many ways
        _refuse_for_want_of_room(error)
        return None
    if len(found) != 1:
        return None
    return np.array(found[0].convert("L"), dtype=np.uint8)


def _refuse_for_want_of_room(error: Exception) -> None:
    """Raise where it was the machine that failed: another renderer's picture would then depend on the day."""
    # pdf2image says that poppler is not installed, whatever kept it from starting; the cause is the error before.
    for cause in (error, error.__context__):
        if isinstance(cause, OSError) and cause.errno in (*NO_ROOM, errno.ENOMEM):
            raise name_trouble(cause) from error

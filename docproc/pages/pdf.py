"""One page of a PDF to a page: the scan inside it where there is one, else a rendering."""

from __future__ import annotations

import io
import math
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pikepdf
import pypdfium2

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.content import Content, Matrix, Painted, read_content
from docproc.pages.embedded import Picture, decode_picture
from docproc.pages.images import check_size, decoding
from docproc.pages.resolution import LONGEST_PAPER, find_dpi
from docproc.types import Gray, Page, PageRef

POINTS = 72.0
"""Points an inch."""
SQUARE_WITHIN = 0.03
"""Pixels may differ from squares by this share and still be taken as stored; a fax's 204 x 98 dpi may not."""
COVERS_MOST = 0.5
"""Share of the page; a damaged picture so large is a damaged page, a smaller one is flagged."""
MOST_PARENTS = 64
LONGEST_SIDE = 1e6
"""Points; what is longer is no page."""
SIZE_WITHIN = 2
"""Pixels by which a rendering may differ from the size that was asked for."""

# PDFium crashes or mixes up pages when two threads call it, and an open document belongs to one thread at a time.
_ONE_AT_A_TIME = threading.Lock()


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


def count_pages(data: bytes) -> int:
    """How many pages a PDF has; raises PageError where it needs a password or cannot be repaired."""
    with _ONE_AT_A_TIME, decoding():
        opened = _open(data)
        return len(_open_pdfium(data)) if opened is None else len(opened.pdf.pages)


def read_pdf_page(data: bytes, ref: PageRef, options: Options) -> Page:
    """Page `ref.number` of a PDF; raises PageError.

    Where one opaque picture covers the page it comes out at its own resolution; any other page is rendered at
    `options.render_dpi`, after a strict look at the pictures it paints.
    """
    with _ONE_AT_A_TIME, decoding():
        opened = _open(data)
        if opened is None:
            return _read_beyond_repair(data, ref, options)
        pdf = opened.pdf
        flags: tuple[str, ...] = ("repaired",) if opened.repaired else ()
        if not 1 <= ref.number <= len(pdf.pages):
            raise PageError("damaged", f"no page {ref.number}")
        page = pdf.pages[ref.number - 1]
        sheet = _sheet(page)
        content = read_content(page, sheet.box)
        if content.sole is not None:
            picture = decode_picture(content.sole.image, options.max_megapixels)
            extracted = _extract(picture, content.sole, sheet)
            if extracted is not None:
                flags += ("damaged-picture",) if picture.damaged else ()
                return _measure(Page(ref, *extracted, flags), options)
        findings, pictures = _check_pictures(content, page, sheet, options)
        dpi, is_scan = _render_dpi(content, sheet, options)
        gray = _render(pdf, data, ref.number, sheet, dpi, options)
        if content.paints and _is_blank(gray) and not _explain_blank(content, pictures):
            findings += ("blank-render",)
        rendered = Page(ref, gray, dpi, flags + findings)
        return _measure(rendered, options) if is_scan else rendered


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    pdf: pikepdf.Pdf
    repaired: bool


@lru_cache(maxsize=1)
def _open(data: bytes) -> _Opened | None:
    """The document as qpdf sees it, or None where it cannot open it."""
    try:
        pdf = pikepdf.open(io.BytesIO(data), suppress_warnings=True)
        pages = len(pdf.pages)
        return _Opened(pdf, pages > 0 and bool(pdf.get_warnings()))
    except pikepdf.PasswordError as error:
        raise PageError("encrypted") from error
    except pikepdf.PdfError:
        return None


@lru_cache(maxsize=1)
def _open_pdfium(data: bytes) -> Any:
    document = pypdfium2.PdfDocument(data)
    with suppress(pypdfium2.PdfiumError):
        document.init_forms()
    return document


@lru_cache(maxsize=1)
def _rewrite(data: bytes) -> bytes:
    """The document with its structure mended, for readers that see other pages in it than qpdf does."""
    opened = _open(data)
    file = io.BytesIO()
    if opened is not None:
        opened.pdf.save(file)
    return file.getvalue()


def _measure(page: Page, options: Options) -> Page:
    """A scan's page, its resolution checked: the size of a PDF page is as easily wrong as any claim."""
    height, width = page.gray.shape
    dpi, estimated = find_dpi((page.dpi, page.dpi), width, height, strip=options.strips)
    return replace(page, dpi=dpi, flags=page.flags + (("resolution-estimated",) if estimated else ()))


def _sheet(page: pikepdf.Page) -> Sheet:
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


def _extract(picture: Picture, painted: Painted, sheet: Sheet) -> tuple[Gray, float] | None:
    """The covering picture as shown, and its resolution; None where only a rendering shows it right."""
    gray = picture.gray
    if gray is None:
        return None
    x, y = _dpi(painted.matrix, gray.shape[1], gray.shape[0], sheet)
    if abs(x - y) > SQUARE_WITHIN * min(x, y):
        return None
    return _place(gray, painted.matrix, sheet.turns), math.sqrt(x * y)


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
    damaged = False
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


def _render(pdf: pikepdf.Pdf, data: bytes, number: int, sheet: Sheet, dpi: float, options: Options) -> Gray:
    width, height = (max(1, math.ceil(side * dpi)) for side in sheet.size)
    check_size(width, height, options.max_megapixels)
    if shutil.which("pdftoppm") and shutil.which("pdfinfo"):
        gray = _render_by_poppler(pdf, data, number, dpi, sheet, options.page_seconds)
        if gray is not None and _is_near(gray, width, height):
            return gray
    try:
        document = _open_pdfium(data)
        agrees = len(document) == len(pdf.pages)
    except pypdfium2.PdfiumError:
        agrees = False
    if not agrees:
        document = _open_pdfium(_rewrite(data))
    gray = _render_by_pdfium(document, number, dpi, sheet.inch, options)
    if not _is_near(gray, width, height):
        raise PageError("damaged", "the page came out in another size than it has")
    return gray


def _is_near(gray: Gray, width: int, height: int) -> bool:
    return bool(abs(gray.shape[1] - width) <= SIZE_WITHIN and abs(gray.shape[0] - height) <= SIZE_WITHIN)


def _render_by_pdfium(document: Any, number: int, dpi: float, inch: float, options: Options) -> Gray:
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
            timeout=math.ceil(seconds),
        )
    except exceptions.PDFPopplerTimeoutError as error:
        raise PageError("timeout", f"not painted within {seconds:g} s") from error
    except Exception:  # pdf2image parses what poppler printed, and fails in many ways
        return None
    if len(found) != 1:
        return None
    return np.array(found[0].convert("L"), dtype=np.uint8)


def _read_beyond_repair(data: bytes, ref: PageRef, options: Options) -> Page:
    """A page of a file that only PDFium can open."""
    document = _open_pdfium(data)
    if not 1 <= ref.number <= len(document):
        raise PageError("damaged", f"no page {ref.number}")
    gray = _render_by_pdfium(document, ref.number, float(options.render_dpi), 1 / POINTS, options)
    flags = ("repaired", "blank-render") if _is_blank(gray) else ("repaired",)
    return Page(ref, gray, float(options.render_dpi), flags)

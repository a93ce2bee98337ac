"""Sheets as they are laid out to a PDF."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from docproc.errors import UsageError
from docproc.fields.sheet_layout import Area, Copy, Drawing, Order, SheetPage, Squares, Words, fill_in
from docproc.types import FORM_DPI

POINT = 72 / 25.4
"""Points a millimetre."""
PALE = (1.0, 0.84, 0.68)
"""Of the boxes: a light orange, which people see and binarization, red scanner lamps and bilevel scans do not."""
OUTLINE = 0.35
"""Mm. Thinner lines break up on printers that make grey of dots."""
SMALLEST = 6.5
"""Points. Print that would have to be smaller is cut short."""
FACES = (
    ("Vera.ttf", "VeraBd.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("Arial Unicode.ttf", "Arial Unicode.ttf"),
)
"""Fonts by the names of their files, the first one comes with the library. One embedded font is the same print on
every printer; a font of the printer's own is not."""
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
    "/System/Library/Fonts/Supplemental",
    "C:/Windows/Fonts",
)
RIGHT_TO_LEFT = ("R", "AL")
"""Classes of letters that no simple line of print puts in order."""


class Fonts(NamedTuple):
    """The names of two fonts in the library."""

    plain: str
    bold: str


def check_library() -> None:
    """Raise UsageError where the extra for printing is not installed."""
    try:
        import reportlab  # noqa: F401
    except ImportError as error:
        raise UsageError("printing sheets needs reportlab: pip install 'docproc[print]', and run again") from error


def write_sheets(order: Order, pages: tuple[SheetPage, ...], copies: Iterable[Copy | None], fonts: Fonts) -> bytes:
    """The sheets as a PDF; None stands for one with nothing of its own."""
    from reportlab.pdfgen.canvas import Canvas

    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=page_size(order), invariant=1, pageCompression=1)
    canvas.setTitle(order.title)
    for page in pages:
        canvas.beginForm(f"page{page.number}", 0, 0, *page_size(order))
        draw(canvas, page.drawing, order, fonts)
        canvas.endForm()
    for copy in copies:
        for page in pages:
            canvas.doForm(f"page{page.number}")
            if copy is not None:
                draw(canvas, fill_in(page, order, copy, len(pages)), order, fonts)
            canvas.showPage()
    canvas.save()
    return stream.getvalue()


def page_size(order: Order) -> tuple[float, float]:
    """Width and height in points, whole pixels of a rendering at `FORM_DPI`."""
    width, height = (round(side / 25.4 * FORM_DPI) * 72 / FORM_DPI for side in order.size)
    return width, height


def draw(canvas: Any, drawing: Drawing, order: Order, fonts: Fonts) -> None:
    """Put a drawing on the page at hand."""
    top = page_size(order)[1]
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    canvas.setStrokeColorRGB(*PALE)
    canvas.setLineWidth(OUTLINE * POINT)
    for area in drawing.outlines:
        canvas.rect(*in_points(area, top), stroke=1, fill=0)
    canvas.setStrokeColorRGB(0, 0, 0)
    canvas.setFillColorRGB(0, 0, 0)
    for area in drawing.solids:
        canvas.rect(*in_points(area, top), stroke=0, fill=1)
    for path in drawing.paths:
        line = canvas.beginPath()
        for number, (x, y) in enumerate(path.places):
            (line.lineTo if number else line.moveTo)(x * POINT, top - y * POINT)
        canvas.setLineWidth(path.width * POINT)
        canvas.drawPath(line)
    for words in drawing.words:
        print_words(canvas, words, top, fonts)
    for code in drawing.codes:
        print_code(canvas, code, top)


def in_points(area: Area, top: float) -> tuple[float, float, float, float]:
    """An area as the library counts: from the lower left."""
    x, y, width, height = (side * POINT for side in area)
    return x, top - y - height, width, height


def print_words(canvas: Any, words: Words, top: float, fonts: Fonts) -> None:
    """Print a line, smaller where it is too long, and cut short where it would be too small to read."""
    font = fonts.bold if words.bold else fonts.plain
    text, points, room = words.text, words.points, words.room * POINT
    points = max(SMALLEST, min(points, points * room / max(canvas.stringWidth(text, font, points), 1e-6)))
    while len(text) > 1 and canvas.stringWidth(text, font, points) > room * 1.001:
        text = text.rstrip(".")[:-1].rstrip() + "..."
        if text == "...":
            break
    canvas.setFont(font, points)
    canvas.setFillColorRGB(*(PALE if words.tone == "pale" else (0, 0, 0)))
    put = canvas.drawRightString if words.from_right else canvas.drawString
    put(words.x * POINT, top - words.y * POINT, text)


def print_code(canvas: Any, code: Squares, top: float) -> None:
    """Print a text as a QR code, with the white that such a code needs around it."""
    from reportlab.graphics.barcode.qr import QrCodeWidget
    from reportlab.graphics.renderPDF import draw as render
    from reportlab.graphics.shapes import Drawing as Picture

    x, y, width, height = in_points(code.area, top)
    picture = Picture(width, height)
    picture.add(QrCodeWidget(code.text, barWidth=width, barHeight=height, barLevel="M", barBorder=0))
    render(picture, canvas, x, y)


def choose_fonts(texts: Iterable[str], given: Path | None = None) -> Fonts:
    """Fonts that have all letters of the texts; raises UsageError where none does."""
    letters = {letter for text in texts for letter in text}
    refuse_scripts(letters)
    missing = letters
    for plain, bold in [(given, given)] if given is not None else find_faces():
        fonts = open_fonts(plain, bold)
        if fonts is None:
            if given is not None:
                raise UsageError(f"--font {given}: cannot be opened as a TrueType font; choose another .ttf file")
            continue
        if not (missing := letters - known_letters(fonts)):
            return fonts
    raise UsageError(f"no font at hand can print {show(missing)}; name one that can with --font FILE.ttf")


def find_faces() -> Iterable[tuple[Path | str, Path | str]]:
    """Fonts that may be installed, each with its bold one."""
    yield FACES[0]
    folders = [folder for name in FOLDERS if (folder := Path(name).expanduser()).is_dir()]
    files = {path.name: path for folder in folders for path in sorted(folder.rglob("*.ttf"))}
    for plain, bold in FACES[1:]:
        if plain in files:
            yield files[plain], files.get(bold, files[plain])


def open_fonts(plain: Path | str, bold: Path | str) -> Fonts | None:
    """Make fonts known to the library; None where they cannot be opened."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        for path in (plain, bold):
            pdfmetrics.registerFont(TTFont(str(path), str(path)))
    except (TTFError, OSError):
        return None
    return Fonts(str(plain), str(bold))


def known_letters(fonts: Fonts) -> set[str]:
    """The letters that both fonts have."""
    from reportlab.pdfbase import pdfmetrics

    plain, bold = (set(pdfmetrics.getFont(name).face.charToGlyph) for name in fonts)
    return {chr(code) for code in plain & bold}


def refuse_scripts(letters: set[str]) -> None:
    """Raise UsageError where letters change with their neighbours or run from the right: no font alone prints them."""
    import unicodedata

    odd = {
        letter
        for letter in letters
        if unicodedata.bidirectional(letter) in RIGHT_TO_LEFT or unicodedata.category(letter) in ("Mn", "Mc", "Cc")
    }
    if odd:
        raise UsageError(
            f"docproc cannot print {show(odd)}: it neither joins letters nor writes from the right; show a column in "
            "other letters, or none"
        )


def show(letters: set[str]) -> str:
    """Some letters for a message, with their numbers."""
    told = [f"{letter if letter.isprintable() else '?'} (U+{ord(letter):04X})" for letter in sorted(letters)]
    return ", ".join(told[:5]) + (", ..." if len(told) > 5 else "")

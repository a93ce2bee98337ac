"""Sheets to print and fill in, and the form that reads them."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from docproc.errors import LedgerError, UsageError
from docproc.fields.asked import Asked, ask_ids, refuse_names
from docproc.fields.form import FormSpec, dump_form
from docproc.fields.sheet_layout import Copy, Order, SheetPage, lay_out, specify
from docproc.flow.forms import load_form
from docproc.flow.rosters import read_column
from docproc.flow.sheet_pdf import check_library, choose_fonts, write_sheets
from docproc.options import Options
from docproc.pages.pdf import count_pages, read_pdf_page
from docproc.types import FORM_DPI, PageRef

FORM, SHEETS, ROSTER = "form.toml", "sheets.pdf", "roster.csv"
REFERENCE, REFERENCES = "form.png", "form-{}.png"
MOST_SHEETS = 20_000
"""More pages than that no run reads from one file either."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What was written, and how many sheets of how many pages there are."""

    form: Path
    sheets: Path
    others: tuple[Path, ...]
    count: int
    pages: int


@dataclass(frozen=True, slots=True)
class Roster:
    """Of a list of people, the file, each row's number ("" without a column of numbers), and the values shown."""

    file: Path
    ids: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


def read_roster(file: Path, id_column: str, shown: Sequence[str]) -> Roster:
    """The columns of a roster that are to be printed; raises UsageError."""
    if not id_column and not shown:
        raise UsageError("say which columns of the roster to print: --id for the number, --show for names")
    try:
        columns = {name: read_column(file.parent, f"{file.name}:{name}") for name in {id_column, *shown} if name}
    except ValueError as error:
        raise UsageError(f"{error}; mend it, or name another column with --id or --show") from error
    rows = len(next(iter(columns.values())))
    if not 1 <= rows <= MOST_SHEETS:
        raise UsageError(f"{file} has {rows} rows; a roster has 1 to {MOST_SHEETS}: mend or split it")
    clean = {name: [normalize(value) for value in values] for name, values in columns.items()}
    ids = tuple(clean[id_column]) if id_column else ("",) * rows
    return Roster(file, ids, tuple(tuple(clean[name][row] for name in shown) for row in range(rows)))


def normalize(text: str) -> str:
    """A value on one line, its accents one with their letters."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def make_copies(roster: Roster | None, count: int) -> list[Copy]:
    """A sheet for each row of the roster, or so many of nobody."""
    if roster is None:
        return [Copy(number) for number in range(1, count + 1)]
    rows = enumerate(zip(roster.ids, roster.values, strict=True), 1)
    return [Copy(number, known, values) for number, (known, values) in rows]


def print_sheets(
    order: Order, copies: Sequence[Copy], out: Path, roster: Path | None, font: Path | None, options: Options
) -> Printed:
    """Write sheets, form file and reference into the folder `out`, and a copy of the roster if there is one.

    Raises UsageError where something cannot be printed, LedgerError where something cannot be written.
    """
    check_library()
    pages = lay_out(order)
    fonts = choose_fonts(list_texts(pages, order, copies), font)
    references = tuple(render(write_sheets(order, pages, [None], fonts), options))
    names = [REFERENCES.format(page.number) for page in pages] if len(pages) > 1 else [REFERENCE]
    spec = FormSpec(
        name=order.name,
        reference=names[0] if len(names) == 1 else tuple(names),
        dpi=float(FORM_DPI),
        field=tuple(specify(comb, page.number) for page in pages for comb in page.combs),
    )
    files = dict(zip(names, references, strict=True))
    files |= {ROSTER: roster.read_bytes()} if roster is not None and order.id is not None else {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
        (out / FORM).write_text(dump_form(spec), encoding="utf-8")
        load_form(out / FORM, options)
        (out / SHEETS).write_bytes(write_sheets(order, pages, copies, fonts))
    except OSError as error:
        raise LedgerError(f"cannot write {error.filename or out}: {error.strerror}; choose another --out") from error
    return Printed(out / FORM, out / SHEETS, tuple(out / name for name in files), len(copies), len(pages))


def list_texts(pages: Sequence[SheetPage], order: Order, copies: Sequence[Copy]) -> set[str]:
    """All that is printed on any sheet, and the digits of their numbers."""
    texts = {words.text for page in pages for words in page.drawing.words}
    return texts | {text for copy in copies for text in (copy.id, *copy.values)} | {"Sheet 0123456789", order.name}


def render(data: bytes, options: Options) -> list[bytes]:
    """The pages of a PDF as PNG files at `FORM_DPI`."""
    files = []
    options = options.model_copy(update={"render_dpi": FORM_DPI, "strips": False})
    for number in range(1, count_pages(data) + 1):
        stream = io.BytesIO()
        gray = read_pdf_page(data, PageRef("", "", number), options).gray
        Image.fromarray(gray).save(stream, "PNG", dpi=(FORM_DPI, FORM_DPI))
        files.append(stream.getvalue())
    return files


def refuse_to_overwrite(out: Path, roster: Path | None) -> None:
    """Raise LedgerError where a folder holds sheets already, or is none; the roster itself may lie in it."""
    if out.exists() and not out.is_dir():
        raise LedgerError(f"{out} is no folder; choose another --out")
    written = (out / name for name in (SHEETS, FORM, REFERENCE, REFERENCES.format(1), ROSTER))
    found = [path for path in written if path.exists() and (roster is None or not path.samefile(roster))]
    if found:
        names = ", ".join(map(str, found))
        raise LedgerError(f"{names}: there already; add --force to overwrite, or choose another --out")


def place_order(
    fields: tuple[Asked, ...],
    out: Path,
    title: str,
    paper: str,
    roster: Roster | None,
    id_column: str,
    shown: Sequence[str],
) -> Order:
    """The sheet that these make; the form is called as the folder is."""
    name = re.sub(r"\s+", "-", normalize(out.resolve().name)) or "form"
    ids = ask_ids(id_column, roster.ids, f"{ROSTER}:{id_column}") if roster is not None and id_column else None
    refuse_names([*([ids.name] if ids else []), *(field.name for field in fields)])
    heading = normalize(title) or re.sub(r"[-_]+", " ", name).capitalize()
    return Order(name, heading, paper, fields, ids, tuple(shown))

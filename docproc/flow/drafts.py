"""A blank sheet to a drafted form: its file, its reference beside it, and a picture of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from docproc.clean.page import clean
from docproc.errors import FAILURES, InputError, LedgerError, PageError
from docproc.fields.draft import draft
from docproc.fields.form import FieldSpec, FormSpec, dump_form
from docproc.flow.drawing import draw_form, save
from docproc.flow.forms import is_pdf, load_form, load_pages
from docproc.flow.labels import name_fields
from docproc.options import Options
from docproc.types import FORM_DPI, Box, CleanPage, Field, Gray, Homography, Page

CROOKED_DEGREES = 1.0
"""Across a field of 60 mm this is 1 mm: a sheet that lies more askew is set straight before boxes are drawn on it."""
SAME_DPI = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A page of a form to be: cleaned for the draft, and the way from there to the pixels that its boxes count.

    `file` is where its reference lies; where that is to be written, `picture` is what.
    """

    file: Path
    page: CleanPage
    way: Homography
    size: tuple[int, int]
    dpi: float
    picture: Gray | None = None


@dataclass(frozen=True, slots=True)
class Drafting:
    """What was written, how many fields the form has, and how many of them a label named."""

    form: Path
    references: tuple[Path, ...]
    pictures: tuple[Path, ...]
    fields: int
    named: int


def draft_form(sources: Sequence[Path], out: Path, options: Options, force: bool) -> Drafting:
    """Draft the form whose pages, in order, are blank sheets.

    Raises InputError where a sheet cannot be read or no field is found, LedgerError where something cannot be written
    or, without `force`, would be overwritten.
    """
    pages = [page for source in sources for page in open_sheet(source, options)]
    return write_draft([make_sheet(page) for page in pages], out, options, force, blank=True)


def open_sheet(source: Path, options: Options) -> list[Page]:
    """The pages of a file; raises InputError."""
    try:
        return load_pages(source, options)
    except PageError as error:
        meaning, remedy = FAILURES[error.code]
        detail = f" ({error.detail})" if error.detail else ""
        raise InputError(f"{source}: {meaning}{detail}; {remedy}") from error


def make_sheet(page: Page) -> Sheet:
    """A blank page as it lies; its boxes will be pixels of its picture, those of a PDF of `FORM_DPI`."""
    cleaned = clean(page, strips=False)
    dpi = float(FORM_DPI) if is_pdf(page) else page.dpi
    scale = dpi / page.dpi
    height, width = page.gray.shape
    size = (round(width * scale), round(height * scale))
    return Sheet(Path(page.ref.source), cleaned, np.diag([scale, scale, 1.0]) @ cleaned.to_scan, size, dpi)


def straighten(sheet: Sheet, file: Path) -> Sheet:
    """The sheet set straight, as a picture of its own."""
    height, width = sheet.page.gray.shape
    return Sheet(file, sheet.page, np.eye(3), (width, height), sheet.page.dpi, sheet.page.gray)


def is_crooked(sheet: Sheet) -> bool:
    """Whether a sheet is turned, or so askew that upright boxes do not fit it."""
    return abs(math.degrees(math.atan2(sheet.way[1, 0], sheet.way[0, 0]))) > CROOKED_DEGREES


def write_draft(sheets: Sequence[Sheet], out: Path, options: Options, force: bool, blank: bool) -> Drafting:
    """Find and name the fields of sheets, and write the form file with all that belongs to it.

    All ink of `blank` sheets is print.
    """
    if any(is_crooked(sheet) for sheet in sheets):
        names = [out.with_name(f"{out.stem}-page-{number}.png") for number in range(1, len(sheets) + 1)]
        sheets = [straighten(sheet, name) for sheet, name in zip(sheets, names, strict=True)]
    fields, labelled = draft_fields(sheets)
    files = tuple(dict.fromkeys(sheet.file for sheet in sheets))
    references = tuple(out.with_name(file.name) for file in files)
    if len(set(references)) < len(references):
        raise InputError("two sheets have the same file name, but lie beside the form file in the end; rename one")
    spec = FormSpec(
        name="".join(letter if letter.isprintable() else "_" for letter in out.stem).strip(),
        reference=references[0].name if len(references) == 1 else tuple(path.name for path in references),
        dpi=common_dpi([sheet.dpi for sheet in sheets]),
        blank=blank,
        field=fields,
    )
    pictures = name_pictures(out, len(sheets), references)
    try:
        refuse_to_overwrite(sheets, out, references, pictures, force)
        out.parent.mkdir(parents=True, exist_ok=True)
        for sheet in sheets:
            write_reference(sheet, out.with_name(sheet.file.name))
        out.write_text(dump_form(spec), encoding="utf-8")
        for picture, page in zip(pictures, load_form(out, options).pages, strict=True):
            save(draw_form(page), picture)
    except UnicodeEncodeError as error:
        raise LedgerError(
            f"the name of a sheet has characters that no text file can hold; rename it: {error}"
        ) from error
    except OSError as error:
        raise LedgerError(f"cannot write {error.filename or out}: {error.strerror}; choose another --out") from error
    return Drafting(out, references, pictures, len(fields), labelled)


def draft_fields(sheets: Sequence[Sheet]) -> tuple[tuple[FieldSpec, ...], int]:
    """The fields of all sheets, and how many of them have a label that could be read; raises InputError."""
    fields: list[FieldSpec] = []
    labelled = 0
    for number, sheet in enumerate(sheets, 1):
        drafted = draft(sheet.page)
        named = name_fields(sheet.page.gray, drafted, tuple(field.name for field in fields))
        labelled += sum(name.from_label for name in named)
        for found, name in zip(drafted, named, strict=True):
            fields.append(specify(found.field, name.text, number, sheet))
    if not fields:
        raise InputError("no box, comb, table cell or underlined blank was found; use a blank sheet scanned at 300 dpi")
    return tuple(fields), labelled


def specify(field: Field, name: str, page: int, sheet: Sheet) -> FieldSpec:
    """A field as it stands in the form file."""
    if field.cells:
        return FieldSpec(name=name, page=page, cells=tuple(onto(cell, sheet) for cell in field.cells))
    return FieldSpec(name=name, page=page, box=onto(field.box, sheet))


def onto(box: Box, sheet: Sheet) -> tuple[int, int, int, int]:
    """A box of the cleaned page in the pixels that boxes count: its middle goes where that goes, upright it stays."""
    scale = math.sqrt(abs(float(np.linalg.det(sheet.way[:2, :2]))))
    x, y, _ = (sheet.way @ (box.x + box.width / 2, box.y + box.height / 2, 1.0)).tolist()
    width, height = round(box.width * scale), round(box.height * scale)
    left, top = max(0, round(x - width / 2)), max(0, round(y - height / 2))
    return left, top, min(width, sheet.size[0] - left), min(height, sheet.size[1] - top)


def common_dpi(resolutions: Sequence[float]) -> float | None:
    """The resolution of all sheets, None where they differ and each has its own."""
    dpi = resolutions[0]
    if any(abs(other - dpi) > SAME_DPI * dpi for other in resolutions):
        return None
    return float(round(dpi)) if abs(dpi - round(dpi)) < SAME_DPI * dpi else dpi


def name_pictures(out: Path, count: int, references: Sequence[Path]) -> tuple[Path, ...]:
    """Where the draft is drawn: beside the form file, under its name, but never over a reference."""
    stem = out.stem if out.with_suffix(".png") not in references else f"{out.stem}-draft"
    if count == 1:
        return (out.with_name(f"{stem}.png"),)
    return tuple(out.with_name(f"{stem}-{number}.png") for number in range(1, count + 1))


def refuse_to_overwrite(
    sheets: Sequence[Sheet], out: Path, references: Sequence[Path], pictures: Sequence[Path], force: bool
) -> None:
    """Raise LedgerError where something is in the way."""
    copied = {out.with_name(sheet.file.name): sheet for sheet in sheets}
    in_the_way = [path for path in (out, *pictures) if path.exists()]
    in_the_way += [path for path in references if path.exists() and not holds(path, copied[path])]
    if in_the_way and not force:
        names = ", ".join(map(str, in_the_way))
        raise LedgerError(f"{names}: there already; add --force to overwrite, or choose another --out")


def holds(path: Path, sheet: Sheet) -> bool:
    """Whether the reference lies there already."""
    return sheet.picture is None and path.read_bytes() == sheet.file.read_bytes()


def write_reference(sheet: Sheet, path: Path) -> None:
    """Put a sheet's picture, or a copy of its file, beside the form file."""
    if sheet.picture is not None:
        Image.fromarray(sheet.picture).save(path, dpi=(sheet.dpi, sheet.dpi))
    elif not (path.exists() and holds(path, sheet)):
        path.write_bytes(sheet.file.read_bytes())

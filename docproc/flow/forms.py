"""Form files to forms: what they say, the pictures and lists they name, all laid out at one resolution."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from docproc.clean.tone import even
from docproc.errors import FAILURES, OptionsError, PageError
from docproc.fields.cells import around
from docproc.fields.form import FieldSpec, FormSpec, Mistake, parse_form, refuse, to_rule
from docproc.flow.rosters import find_values
from docproc.options import Options
from docproc.pages.kinds import HEAD, sniff
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.types import FORM_DPI, Box, Field, Form, FormPage, Gray, Page, PageRef, Sum

DPI_WITHIN = 0.02
"""A picture's own resolution may miss that of the form file by this share."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A page of a form's reference: at `FORM_DPI`, and the scale and size that its boxes have to that."""

    name: str
    gray: Gray
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the boxes."""
        height, width = self.gray.shape
        return round(width / self.scale), round(height / self.scale)


def load_forms(paths: Sequence[Path], options: Options) -> tuple[Form, ...]:
    """The forms of form files with all they name; raises OptionsError where anything is wrong with one."""
    forms: list[Form] = []
    for path in paths:
        form = load_form(path, options)
        if form.name in {other.name for other in forms}:
            raise OptionsError(f'{path}: another form is called "{form.name}" too; give each a name of its own')
        if any(page.picture == other.picture for page in form.pages for one in forms for other in one.pages):
            raise OptionsError(f"{path}: another form has the same picture; nothing would tell which of them a page is")
        forms.append(form)
    return tuple(forms)


def load_form(path: Path, options: Options) -> Form:
    """One form; raises OptionsError with all that is wrong with it."""
    text = read_form(path)
    spec = parse_form(text, str(path))
    mistakes: list[Mistake] = []
    references = load_references(spec, path.parent, options, mistakes)
    values = [find_values(number, field, path.parent, mistakes) for number, field in enumerate(spec.field)]
    if references:
        mistakes += [
            mistake for number, field in enumerate(spec.field) for mistake in outside(number, field, references)
        ]
    if mistakes:
        raise refuse(mistakes, text, str(path))
    pairs = list(zip(spec.field, values, strict=True))
    pages = []
    for number, reference in enumerate(references, 1):
        fields = [make_field(field, allowed, reference.scale) for field, allowed in pairs if field.page == number]
        pages.append(lay_out(spec, number, reference.gray, tuple(fields)))
    sums = tuple(Sum(rule.sum, rule.equals) for rule in spec.rule)
    digest = digest_of(spec.name, [page.digest for page in pages], [asdict(rule) for rule in sums])
    return Form(spec.name, digest, tuple(pages), sums)


def read_form(path: Path) -> str:
    """The text of a form file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise OptionsError(f"cannot use form {path}: {why}; `docproc form new` makes one") from error


def load_references(spec: FormSpec, folder: Path, options: Options, mistakes: list[Mistake]) -> list[Reference]:
    """The pages of the reference in order; what is wrong is added to `mistakes`, and then there are none."""
    found = []
    for name in spec.references:
        try:
            pages = load_pages(folder / name, options)
            found += [place(page, spec, name, options.max_megapixels) for page in pages]
        except PageError as error:
            meaning, remedy = FAILURES[error.code]
            detail = f" ({error.detail})" if error.detail else ""
            mistakes.append(Mistake(("reference",), f"{name}: {meaning}{detail}; {remedy}"))
        except ValueError as error:
            mistakes.append(Mistake(("dpi",), str(error)))
    return [] if mistakes else found


def load_pages(path: Path, options: Options) -> list[Page]:
    """All pages of one file; raises PageError.

    What is drawn in a PDF is rasterized at the resolution that forms are kept at, whatever the run's: boxes must not
    depend on options.
    """
    options = options.model_copy(update={"render_dpi": FORM_DPI, "strips": False})
    document = survey(str(path), options)
    if document.failure is not None:
        raise PageError(document.failure.code, document.failure.detail)
    if document.skipped is not None:
        raise PageError("not-a-document", document.skipped)
    return [load(PageRef(str(path), document.digest, number + 1), options) for number in range(document.pages)]


def place(page: Page, spec: FormSpec, name: str, most_megapixels: float) -> Reference:
    """A page of the reference at `FORM_DPI`, its paper evened; it is taken as it lies, for so its boxes do.

    Raises ValueError where picture and form file disagree about the resolution, or make a huge sheet.
    """
    if is_pdf(page):
        dpi, boxes = page.dpi, spec.dpi or float(FORM_DPI)
    else:
        dpi = boxes = spec.dpi or page.dpi
        if abs(dpi - page.dpi) > DPI_WITHIN * page.dpi and "resolution-estimated" not in page.flags:
            raise ValueError(
                f"is {dpi:.4g}, but {name} says that it has {page.dpi:.4g} dots an inch, and boxes are pixels of that "
                f"picture; write dpi = {page.dpi:.4g} if the boxes fit, or use the picture they were drawn on"
            )
    megapixels = page.gray.size * (FORM_DPI / dpi) ** 2 / 1e6
    if megapixels > most_megapixels:
        raise ValueError(f"{dpi:.4g} makes {name} a sheet of {megapixels:.0f} megapixels at {FORM_DPI} dpi; mend it")
    return Reference(name, even(rescale(page.gray, FORM_DPI / dpi), FORM_DPI), FORM_DPI / boxes)


def is_pdf(page: Page) -> bool:
    """Whether a page has no pixels of its own that boxes could count."""
    with open(page.ref.source, "rb") as file:
        return sniff(file.read(HEAD), page.ref.source) == "pdf"


def rescale(gray: Gray, scale: float) -> Gray:
    """The picture that many times as large."""
    if scale == 1:
        return gray
    size = tuple(max(1, round(side * scale)) for side in gray.shape[::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, size, interpolation=way), np.uint8)


def outside(number: int, field: FieldSpec, references: Sequence[Reference]) -> list[Mistake]:
    """What of a field lies on no page of the reference."""
    if field.page > len(references):
        there = "1 page" if len(references) == 1 else f"{len(references)} pages"
        return [Mistake(("field", number, "page"), f"is {field.page}, but the reference has {there}")]
    reference = references[field.page - 1]
    width, height = reference.size
    boxes = field.cells if isinstance(field.cells, tuple) else (field.box,)
    key = "cells" if isinstance(field.cells, tuple) else "box"
    for box in boxes:
        assert box is not None
        if box[0] + box[2] > width or box[1] + box[3] > height:
            words = f"{list(box)} leaves the picture {reference.name}, which is {width} x {height} pixels"
            return [Mistake(("field", number, key), words)]
    return []


def make_field(spec: FieldSpec, values: tuple[str, ...], scale: float) -> Field:
    """A field in pixels at `FORM_DPI`."""
    if isinstance(spec.cells, tuple):
        cells = tuple(enlarge(cell, scale) for cell in spec.cells)
    else:
        assert spec.box is not None
        cells = divide(spec.box, spec.cells or 0, scale)
    box = around(cells) if cells else enlarge(spec.box or (), scale)
    return Field(spec.name, box, "comb" if cells else "place", cells, to_rule(spec, values))


def divide(box: tuple[int, ...], count: int, scale: float) -> tuple[Box, ...]:
    """A box cut into equal cells."""
    x, y, width, height = box
    pitch = width / max(count, 1)
    return tuple(enlarge((x + number * pitch, y, pitch, height), scale) for number in range(count))


def enlarge(box: Sequence[float], scale: float) -> Box:
    """A box that many times as large; edges that touch go on touching."""
    x, y = round(box[0] * scale), round(box[1] * scale)
    right, bottom = round((box[0] + box[2]) * scale), round((box[1] + box[3]) * scale)
    return Box(x, y, max(1, right - x), max(1, bottom - y))


def lay_out(spec: FormSpec, number: int, gray: Gray, fields: tuple[Field, ...]) -> FormPage:
    """A page of a form with its fields."""
    height, width = gray.shape
    done, picture = cv2.imencode(".png", gray)
    assert done
    pixels = hashlib.sha256(gray.tobytes()).hexdigest()
    digest = digest_of(spec.name, number, width, height, pixels, spec.blank, [asdict(field) for field in fields])
    return FormPage(spec.name, number, digest, width, height, picture.tobytes(), spec.blank, fields)


def digest_of(*parts: object) -> str:
    """Sha256 in hex of all that can change an answer."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

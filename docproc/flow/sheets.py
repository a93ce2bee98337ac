"""Many filled-in sheets of one form to its blank: what all of them show is print."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from docproc.clean.lay import warp
from docproc.clean.page import clean
from docproc.clean.tone import even
from docproc.errors import InputError, PageError
from docproc.fields.bends import place_points
from docproc.fields.register import register
from docproc.flow.drafts import Drafting, Sheet, open_sheet, write_draft
from docproc.flow.forms import rescale
from docproc.options import Options
from docproc.types import FORM_DPI, FormPage, Gray, Page

FEWEST = 3
"""With fewer sheets that lie on each other nothing tells print from writing."""
BRIGHT = 0.85
"""Print is what so many of the sheets show. The median shows more: in a comb that everybody fills in, the strokes of
half of them cross somewhere."""


def draft_filled(sources: Sequence[Path], out: Path, options: Options, force: bool) -> Drafting:
    """Draft the form of sheets that were filled in; its reference is the blank that is learned from them.

    Raises as `draft_form` does, and InputError where too few sheets lie on the first.
    """
    pages = []
    for source in sources:
        opened = open_sheet(source, options)
        if len(opened) != 1:
            raise InputError(f"{source} has {len(opened)} pages; with --filled each file is one sheet: split it")
        pages += opened
    blank = find_blank(pages)
    page = clean(Page(pages[0].ref, blank, float(FORM_DPI)), strips=False)
    file = out.with_name(f"{out.stem}-blank.png")
    height, width = blank.shape
    sheet = Sheet(file, page, page.to_scan, (width, height), float(FORM_DPI), blank)
    # What many wrote in one place is in the learned picture too; as print it would be taken out of the next sheet.
    return write_draft([sheet], out, options, force, blank=False)


def find_blank(pages: Sequence[Page]) -> Gray:
    """What sheets of one form have in common, as the first lies once it is set straight, at `FORM_DPI`."""
    first = lay_out(pages[0])
    laid = [decode(first)]
    strangers = []
    for page in pages[1:]:
        try:
            placement = register(page.gray, (first,))
            laid.append(even(warp(page.gray, placement, partial(place_points, placement)), FORM_DPI))
        except PageError as error:
            strangers.append(f"{page.ref.source} ({error.detail or error.code})")
    if len(laid) < FEWEST:
        names = "; ".join(strangers)
        raise InputError(f"too few sheets lie on {pages[0].ref.source}: not {names}; name more, a clean one first")
    return np.asarray(np.quantile(np.stack(laid), BRIGHT, axis=0, method="nearest"), np.uint8)


def lay_out(page: Page) -> FormPage:
    """A filled-in sheet, set straight, as a page that others can be laid on."""
    cleaned = clean(page, strips=False)
    gray = even(rescale(cleaned.gray, FORM_DPI / cleaned.dpi), FORM_DPI)
    height, width = gray.shape
    _, picture = cv2.imencode(".png", gray)
    digest = hashlib.sha256(gray.tobytes()).hexdigest()
    return FormPage("", 1, digest, width, height, picture.tobytes(), False, ())


def decode(page: FormPage) -> Gray:
    """The picture of a form's page."""
    return np.asarray(cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)

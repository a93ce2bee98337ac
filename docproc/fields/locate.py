"""A clean page to its fields."""

from __future__ import annotations

from dataclasses import replace

from docproc.fields.free import locate_free
from docproc.fields.strip import has_tall, locate_strip
from docproc.types import CleanPage, Field, Ink


def locate(page: CleanPage, strips: bool = False) -> tuple[Field, ...]:
    """Find the places of a page where numbers are expected, in reading order; a strip is one field."""
    fields = (locate_strip(page),) if strips else locate_free(page)
    return fields if page.lost is None else tuple(doubt_lost(page.lost, page.dpi, field) for field in fields)


def doubt_lost(lost: Ink, dpi: float, field: Field) -> Field:
    """Flag a field in which a mark as high as a digit went with the colour of the form: it may be a pen's."""
    box = field.box
    tall = has_tall(lost[box.y : box.bottom, box.x : box.right], dpi)
    return replace(field, flags=(*field.flags, "not-a-digit")) if tall else field

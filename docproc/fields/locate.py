"""A clean page to its fields."""

from __future__ import annotations

from docproc.fields.free import locate_free
from docproc.fields.strip import locate_strip
from docproc.types import CleanPage, Field


def locate(page: CleanPage, strips: bool = False) -> tuple[Field, ...]:
    """Find the places of a page where numbers are expected, in reading order; a strip is one field."""
    return (locate_strip(page),) if strips else locate_free(page)

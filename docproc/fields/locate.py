"""A clean page to its fields."""

from __future__ import annotations

from docproc.fields.free import locate_free
from docproc.types import CleanPage, Field


def locate(page: CleanPage) -> tuple[Field, ...]:
    """Find the places of a page where numbers are expected, in reading order."""
    return locate_free(page)

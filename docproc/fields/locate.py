"""A clean page to its fields."""

from __future__ import annotations

from docproc.fields.free import locate_free
from docproc.types import Box, CleanPage, Field


def locate(page: CleanPage, strips: bool = False) -> tuple[Field, ...]:
    """Find the places of a page where numbers are expected, in reading order; a strip is one field as a whole."""
    if strips:
        height, width = page.gray.shape
        return (Field("1", Box(0, 0, width, height), "strip"),)
    return locate_free(page)

"""A prepared page and its probabilities → the page's result."""

from __future__ import annotations

import numpy as np

from docproc.assemble.decode import decode
from docproc.assemble.judge import judge
from docproc.assemble.row import measure_row
from docproc.options import Recipe
from docproc.types import Affine, Lattice, PageResult, PreparedPage, Probs, Reading


def assemble(page: PreparedPage, probs: Probs, recipe: Recipe) -> PageResult:
    """Decode and judge every field; `probs` has a row for each crop of the page."""
    if page.failure is not None:
        return PageResult(page.ref, (), page.flags, page.failure, page.seconds)
    ends = np.cumsum([len(lattice.segments) for lattice in page.lattices])
    parts = np.split(probs, ends)[:-1]
    readings = tuple(
        assemble_field(lattice, part, recipe, page.to_scan, page.flags, strip)
        for lattice, part, strip in zip(page.lattices, parts, page.strips, strict=True)
    )
    return PageResult(page.ref, readings, page.flags, None, page.seconds)


def assemble_field(
    lattice: Lattice, probs: Probs, recipe: Recipe, to_scan: Affine, page_flags: tuple[str, ...], strip: bytes
) -> Reading:
    """Decode and judge one field."""
    row = measure_row(lattice.segments, probs)
    texts = decode(lattice, probs, row)
    return judge(lattice, texts, row.height, recipe, to_scan, page_flags, strip)

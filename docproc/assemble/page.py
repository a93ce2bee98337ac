"""A prepared page and its probabilities → the page's result."""

from __future__ import annotations

import numpy as np

from docproc.assemble.decode import decode, writing_height
from docproc.assemble.judge import judge
from docproc.options import Recipe
from docproc.types import PageResult, PreparedPage, Probs


def assemble(page: PreparedPage, probs: Probs, recipe: Recipe) -> PageResult:
    """Decode and judge every field; `probs` has a row for each crop of the page."""
    if page.failure is not None:
        return PageResult(page.ref, (), page.flags, page.failure, page.seconds)
    ends = np.cumsum([len(lattice.segments) for lattice in page.lattices])[:-1]
    readings = []
    parts = np.split(probs, ends) if page.lattices else []
    for lattice, part, strip in zip(page.lattices, parts, page.strips, strict=True):
        height = writing_height(lattice.segments, part)
        texts = decode(lattice, part)
        readings.append(
            judge(lattice, texts, height, recipe.calibration, recipe.options.max_error, page.to_scan, strip)
        )
    return PageResult(page.ref, tuple(readings), page.flags, None, page.seconds)

"""Known fields of real pages are located; skipped where the data is absent."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docproc.clean.page import clean
from docproc.fields.locate import locate
from docproc.types import Field, Page, PageRef


def fields_on_scan(path: Path, dpi: float) -> list[tuple[Field, np.ndarray]]:
    """Fields with the corners of their boxes in pixels of the stored page."""
    gray = np.asarray(Image.open(path).convert("L"))
    page = clean(Page(PageRef(str(path), "", 1), gray, dpi), False)
    found = []
    for field in locate(page):
        box = field.box
        corners = np.array([[box.x, box.y], [box.right, box.bottom]]) @ page.to_scan[:2, :2].T + page.to_scan[:2, 2]
        found.append((field, np.sort(corners, axis=0)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dpi", "kind"),
    [("nist-hsf/form_1.png", 300, "box"), ("tally/mesa_1000551.jpg", 150, "comb")],
)
def test_every_boxed_number_is_located(data: Path, name: str, dpi: float, kind: str) -> None:
    with (data / "pages" / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"] == name]
    fields = fields_on_scan(data / "pages" / name, dpi)
    assert rows
    for row in rows:
        low = np.array([float(row["x"]), float(row["y"])])
        high = low + np.array([float(row["w"]), float(row["h"])])
        covers = [
            field
            for field, corners in fields
            if np.prod(np.maximum(0, np.minimum(high, corners[1]) - np.maximum(low, corners[0])))
            >= 0.6 * np.prod(np.maximum(high - low, corners[1] - corners[0]))
        ]
        assert [field.kind for field in covers] == [kind], row["field"]
        if kind == "comb":
            assert len(covers[0].cells) == len(row["digits"])


@pytest.mark.slow
def test_page_stored_upside_down_is_turned_upright(data: Path) -> None:
    path = data / "pages" / "clinic" / "delivery_pg_1_upside_down_150dpi.jpeg"
    page = clean(Page(PageRef(str(path), "", 1), np.asarray(Image.open(path).convert("L")), 150), False)
    assert page.to_scan[0, 0] == pytest.approx(-0.5, abs=0.01)
    assert sum(len(field.cells) for field in locate(page) if field.kind == "comb") >= 13

from __future__ import annotations

import io
import shutil
from collections.abc import Callable

import numpy as np
import pikepdf
import pytest

from docproc.options import Options
from docproc.pages.document import find_sheet, open_document, open_in_pdfium
from docproc.pages.render import render, render_by_pdfium
from docproc.types import Gray, Page

DRAWN = "0 g 30 30 100 20 re f 200 100 20 80 re f BT /F1 40 Tf 60 120 Td (4711) Tj ET"


@pytest.mark.parametrize("turn", [0, 90])
@pytest.mark.parametrize("crop", [None, [50, 20, 250, 180]])
def test_both_renderers_show_the_same(
    turn: int, crop: list[int] | None, letter: Gray, scan: Callable[..., bytes]
) -> None:
    if shutil.which("pdftoppm") is None:
        pytest.skip("poppler is not installed")
    page = {"/Rotate": turn} | ({"/CropBox": crop} if crop else {})
    data = scan(letter.tobytes(), DRAWN, page=page)
    opened = open_document(data)
    assert opened is not None
    sheet = find_sheet(opened.pdf.pages[0])
    by_poppler = render(opened, data, 1, sheet, 150, Options())
    by_pdfium = render_by_pdfium(open_in_pdfium(data), 1, 150, sheet.inch, Options())
    assert by_poppler.shape == pytest.approx(by_pdfium.shape, abs=1)
    height, width = np.minimum(by_poppler.shape, by_pdfium.shape)
    difference = np.abs(by_poppler[:height, :width].astype(int) - by_pdfium[:height, :width])
    assert difference.mean() < 6
    assert by_pdfium.min() == by_poppler.min() == 0


def test_page_is_found_by_number_without_poppler(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pikepdf.open(io.BytesIO(scan(letter.tobytes(), DRAWN))) as pdf:
        blank = pdf.add_blank_page(page_size=(300, 200))
        pdf.pages.append(pdf.pages[0])
        assert blank is not None
        file = io.BytesIO()
        pdf.save(file)
    pages = [read(file.getvalue(), "a.pdf", number, Options(render_dpi=72)).gray for number in (1, 2, 3)]
    assert pages[0].min() == 0
    assert pages[1].min() == 255
    assert np.array_equal(pages[0], pages[2])

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.types import Gray, Page, PageRef


def test_page_carries_its_ticket(tmp_path: Path, letter: Gray, encode: Callable[..., bytes]) -> None:
    path = tmp_path / "scan.dat"
    path.write_bytes(encode(letter, "PNG", dpi=(100, 100)))
    document = survey(str(path), Options())
    ref = PageRef(str(path), document.digest, 1)
    page = load(ref, Options())
    assert page.ref == ref
    assert (page.gray == letter).all()
    assert page.gray.dtype == "uint8"
    assert page.gray.flags.c_contiguous


def test_file_that_changed_or_went_says_so(tmp_path: Path, letter: Gray, encode: Callable[..., bytes]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(letter, "PNG"))
    digest = survey(str(path), Options()).digest
    path.write_bytes(encode(255 - letter, "PNG"))
    with pytest.raises(PageError) as raised:
        load(PageRef(str(path), digest, 1), Options())
    assert raised.value.code == "changed"
    path.unlink()
    with pytest.raises(PageError) as raised:
        load(PageRef(str(path), digest, 1), Options())
    assert raised.value.code == "gone"
    with pytest.raises(PageError) as raised:
        load(PageRef(str(tmp_path), digest, 1), Options())
    assert raised.value.code == "no-access"


def test_no_page_of_that_number(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    for kind, name in (("PNG", "a.png"), ("TIFF", "a.tif")):
        for number in (0, 2):
            with pytest.raises(PageError) as raised:
                read(encode(letter, kind), name, number)
            assert raised.value.code == "damaged"


def test_text_is_not_a_document(read: Callable[..., Page]) -> None:
    with pytest.raises(PageError) as raised:
        read(b"hello", "a.png")
    assert raised.value.code == "not-a-document"


def test_worker_needs_no_heavy_library() -> None:
    code = "import sys, docproc.pages.load; print(*{'torch', 'pandas', 'skimage', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_odd_file_is_a_page_or_a_failure(data: Path) -> None:
    options = Options(max_megapixels=30)
    outcomes = {}
    for path in sorted((data / "bad-inputs").iterdir()):
        document = survey(str(path), options)
        assert (document.pages > 0) + (document.failure is not None) + (document.skipped is not None) == 1
        for number in range(1, document.pages + 1):
            try:
                page = load(PageRef(document.source, document.digest, number), options)
                outcomes[path.name, number] = str(page.gray.shape)
            except PageError as error:
                outcomes[path.name, number] = error.code
        if document.failure:
            outcomes[path.name, 0] = document.failure.code
    assert len(outcomes) > 100
    assert "bug" not in outcomes.values()
    assert outcomes["pdfplumber__password-example.pdf", 0] == "encrypted"
    assert outcomes["pillow__truncated_image.png", 1] == "damaged"
    assert outcomes["pillow__decompression_bomb.gif", 1] == "too-large"

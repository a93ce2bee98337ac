"""Locked PDFs: each password opens its own, for every reader behind the door; a wrong one is told and no more."""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from docproc.errors import RETRIED, PageError
from docproc.options import Options
from docproc.pages.document import unlock_in_pdfium
from docproc.pages.sources import survey
from docproc.types import Gray, Page

FLATE = {"/Filter": pikepdf.Name.FlateDecode}
OPEN = Options(passwords=("first", "geheim", "ñandú"), render_dpi=72)


def lock(data: bytes, user: str, revision: int = 6) -> bytes:
    file = io.BytesIO()
    strong = revision >= 4
    how = pikepdf.Encryption(owner="owner", user=user, R=revision, aes=strong, metadata=strong)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(file, encryption=how)
    return file.getvalue()


def add_widget(data: bytes) -> bytes:
    """The document with a filled form field, which only a renderer that knows the whole document shows."""
    file = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        look = pikepdf.Stream(pdf, b"0 g 0 0 60 30 re f")
        look.Type, look.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
        look.BBox = [0, 0, 60, 30]
        field = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T=pikepdf.String("n"),
            V=pikepdf.String("4711"),
            F=4,
            Rect=[100, 10, 160, 40],
            AP=pikepdf.Dictionary(N=look),
        )
        field = pdf.make_indirect(field)
        pdf.pages[0].Annots = pikepdf.Array([field])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
        pdf.save(file)
    return file.getvalue()


@pytest.mark.parametrize("revision", [2, 3, 4, 6])
def test_scan_behind_a_password_is_the_scan(
    revision: int, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    locked = lock(scan(zlib.compress(letter.tobytes()), image=FLATE), "geheim", revision)
    page = read(locked, "a.pdf", 1, OPEN)
    assert np.array_equal(page.gray, letter)
    assert page.flags == ()


@pytest.mark.parametrize("revision", [4, 6])
def test_password_beyond_ascii_opens_whichever_way_it_became_bytes(
    revision: int, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    locked = lock(scan(zlib.compress(letter.tobytes()), image=FLATE), "ñandú", revision)
    assert np.array_equal(read(locked, "a.pdf", 1, OPEN).gray, letter)


@pytest.mark.parametrize("poppler", [True, False])
@pytest.mark.parametrize("filled", [True, False])
def test_drawn_page_behind_a_password_is_rendered_as_without(
    poppler: bool,
    filled: bool,
    letter: Gray,
    scan: Callable[..., bytes],
    read: Callable[..., Page],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not poppler:
        monkeypatch.setenv("PATH", "")
    elif shutil.which("pdftoppm") is None:
        pytest.skip("poppler is not installed")
    plain = scan(letter.tobytes(), "0 g 30 30 100 20 re f BT /F1 40 Tf 60 120 Td (4711) Tj ET")
    if filled:
        plain = add_widget(plain)
    shown = read(plain, "plain.pdf", 1, OPEN).gray
    assert shown.min() == 0
    assert not filled or shown[175, 130] == 0
    assert np.array_equal(read(lock(plain, "geheim"), "locked.pdf", 1, OPEN).gray, shown)


def test_wrong_passwords_are_counted_and_a_right_one_counts_the_pages(
    tmp_path: Path, letter: Gray, scan: Callable[..., bytes]
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(lock(scan(letter.tobytes()), "another"))
    details = []
    for passwords in ((), ("one",), ("one", "two")):
        document = survey(str(path), Options(passwords=passwords))
        assert document.failure is not None
        assert document.failure.code == "encrypted"
        details.append(document.failure.detail)
    assert details == ["", "1 password tried", "2 passwords tried"]
    assert survey(str(path), Options(passwords=("one", "another"))).pages == 1
    assert "encrypted" not in RETRIED


def test_damage_behind_a_password_is_found_as_in_front_of_it(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    cut = scan(zlib.compress(letter.tobytes())[:100], image=FLATE)
    with pytest.raises(PageError) as raised:
        read(lock(cut, "geheim"), "a.pdf", 1, OPEN)
    assert raised.value.code == "damaged"
    whole = lock(scan(zlib.compress(letter.tobytes()), image=FLATE), "geheim")
    assert "repaired" in read(whole.replace(b"startxref", b"startnone"), "b.pdf", 1, OPEN).flags


def test_reader_of_last_resort_takes_the_passwords_too(letter: Gray, scan: Callable[..., bytes]) -> None:
    locked = lock(scan(letter.tobytes()), "geheim")
    assert len(unlock_in_pdfium(locked, ("first", "geheim"))) == 1
    with pytest.raises(PageError) as raised:
        unlock_in_pdfium(locked, ("first",))
    assert (raised.value.code, raised.value.detail) == ("encrypted", "1 password tried")


def test_lock_that_takes_no_password_is_told_from_damage(tmp_path: Path, scan: Callable[..., bytes]) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(lock(scan(bytes(60_000)), "geheim").replace(b"/Standard", b"/Adobe.PS"))
    document = survey(str(path), OPEN)
    assert document.failure is not None
    assert document.failure.code == "encrypted"
    assert "no password opens" in document.failure.detail

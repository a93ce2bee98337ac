from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
import pikepdf
import pytest
from PIL import Image

from docproc.errors import PageError
from docproc.options import Options
from docproc.types import Gray, Page

FLATE = pikepdf.Name.FlateDecode
ONE_TO_ONE = Options(render_dpi=72)
"""Renders the scans of these tests pixel for pixel."""


def _flate(gray: Gray) -> bytes:
    return zlib.compress(gray.tobytes())


def _near(one: Gray, other: Gray) -> bool:
    return one.shape == other.shape and bool(np.abs(one.astype(int) - other).mean() < 3)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("q 300 0 0 200 0 0 cm /Im0 Do Q", lambda g: g),
        ("/Plain gs q 0 0 300 200 re W n 300 0 0 200 0 0 cm /Im0 Do Q", lambda g: g),
        ("1 g 0 0 300 200 re f 300 0 0 200 0 0 cm /Im0 Do", lambda g: g),
        ("q .5 0 0 .5 0 0 cm q 600 0 0 400 0 0 cm /Im0 Do Q Q", lambda g: g),
        ("-300 0 0 200 300 0 cm /Im0 Do", lambda g: g[:, ::-1]),
        ("300 0 0 -200 0 200 cm /Im0 Do", lambda g: g[::-1]),
        ("-300 0 0 -200 300 200 cm /Im0 Do", lambda g: g[::-1, ::-1]),
        ("300 0 0 200 0 0 cm /Im0 Do BT 3 Tr /F1 12 Tf (read by another) Tj ET", lambda g: g),
    ],
)
def test_covering_picture_is_taken_as_it_is_stored(
    content: str, shown: Callable[[Gray], Gray], letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    detailed = np.kron(letter, np.ones((4, 4), np.uint8))
    page = read(scan(_flate(detailed), content, (1200, 800), {"/Filter": FLATE}), "a.pdf")
    assert np.array_equal(page.gray, shown(detailed))
    assert page.dpi == pytest.approx(288)


@pytest.mark.parametrize("turn", [0, 90, 180, 270, -90, 450])
@pytest.mark.parametrize("upright", [True, False])
def test_extraction_and_rendering_show_the_same(
    turn: int, upright: bool, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    covering = "300 0 0 200 0 0 cm /Im0 Do" if upright else "0 -300 200 0 0 300 cm /Im0 Do"
    box = [0, 0, 300, 200] if upright else [0, 0, 200, 300]
    how = {"image": {"/Filter": FLATE}, "page": {"/Rotate": turn, "/MediaBox": box}}
    extracted = read(scan(_flate(letter), covering, **how), "a.pdf", 1, ONE_TO_ONE)
    drawn = "q " + covering + " Q BT /F1 1 Tf 5 5 Td (.) Tj ET"
    rendered = read(scan(_flate(letter), drawn, **how), "b.pdf", 1, ONE_TO_ONE)
    assert set(np.unique(extracted.gray)) == {0, 255}
    assert _near(extracted.gray, rendered.gray)
    steps = turn // 90 + (0 if upright else 1)
    assert np.array_equal(extracted.gray, np.rot90(letter, -steps))


@pytest.mark.parametrize(
    ("what", "content", "changes"),
    [
        ("text over it", "q 300 0 0 200 0 0 cm /Im0 Do Q BT /F1 40 Tf 100 60 Td (4711) Tj ET", {}),
        ("a line over it", "q 300 0 0 200 0 0 cm /Im0 Do Q 8 w 0 0 m 300 200 l S", {}),
        ("half transparent", "/Faint gs 300 0 0 200 0 0 cm /Im0 Do", {}),
        ("clipped", "50 50 100 100 re W n 300 0 0 200 0 0 cm /Im0 Do", {}),
        ("smaller than the page", "200 0 0 100 0 0 cm /Im0 Do", {}),
        ("slanted", "300 20 0 200 0 0 cm /Im0 Do", {}),
        ("twice", "q 300 0 0 200 0 0 cm /Im0 Do Q 100 0 0 100 0 0 cm /Im0 Do", {}),
        ("cropped", "300 0 0 200 0 0 cm /Im0 Do", {"/CropBox": [50, 50, 250, 150]}),
    ],
)
def test_anything_else_is_rendered(
    what: str,
    content: str,
    changes: dict[str, object],
    letter: Gray,
    scan: Callable[..., bytes],
    read: Callable[..., Page],
) -> None:
    import pypdfium2

    data = scan(_flate(letter), content, image={"/Filter": FLATE}, page=changes)
    page = read(data, "a.pdf", 1, Options(render_dpi=144))
    document = pypdfium2.PdfDocument(data)
    expected = document[0].render(scale=2, grayscale=True).to_numpy().squeeze().copy()
    document.close()
    assert _near(page.gray, expected), what
    assert page.dpi == 144 or "resolution-estimated" in page.flags


def test_filled_form_field_is_shown(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    with pikepdf.open(io.BytesIO(scan(_flate(letter), image={"/Filter": FLATE}))) as pdf:
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
        file = io.BytesIO()
        pdf.save(file)
    assert read(file.getvalue(), "a.pdf", 1, ONE_TO_ONE).gray[175, 130] == 0


def _indexed(letter: Gray) -> tuple[bytes, dict[str, object]]:
    space = pikepdf.Array([pikepdf.Name.Indexed, pikepdf.Name.DeviceRGB, 1, pikepdf.String(b"\xff\xff\xff\0\0\0")])
    bits = np.packbits(letter == 0, axis=1).tobytes()
    return zlib.compress(bits), {"/ColorSpace": space, "/BitsPerComponent": 1, "/Filter": FLATE}


def _bilevel(letter: Gray, **more: object) -> tuple[bytes, dict[str, object]]:
    bits = np.packbits(letter > 0, axis=1).tobytes()
    return zlib.compress(bits), {"/BitsPerComponent": 1, "/Filter": FLATE, **more}


def _jpeg(letter: Gray, mode: str = "L", **more: object) -> tuple[bytes, dict[str, object]]:
    file = io.BytesIO()
    if mode == "CMYK":
        none = Image.new("L", (300, 200))
        Image.merge("CMYK", (none, none, none, Image.fromarray(255 - letter))).save(file, "JPEG", quality=95)
    else:
        Image.fromarray(letter).convert(mode).save(file, "JPEG", quality=95)
    space = {"L": "/DeviceGray", "RGB": "/DeviceRGB", "CMYK": "/DeviceCMYK"}[mode]
    return file.getvalue(), {"/Filter": pikepdf.Name.DCTDecode, "/ColorSpace": pikepdf.Name(space), **more}


def _fax(letter: Gray, **more: object) -> tuple[bytes, dict[str, object]]:
    file = io.BytesIO()
    Image.fromarray(letter == 0).save(file, "TIFF", compression="group4", tiffinfo={278: 200})
    with Image.open(io.BytesIO(file.getvalue())) as image:
        (start,), (count,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    how = pikepdf.Dictionary({"/K": -1, "/Columns": 300, "/Rows": 200, **more})
    described = {"/Filter": pikepdf.Name.CCITTFaxDecode, "/DecodeParms": how, "/BitsPerComponent": 1}
    return file.getvalue()[start : start + count], described


def _chain(letter: Gray) -> tuple[bytes, dict[str, object]]:
    data, described = _jpeg(letter)
    return zlib.compress(data), described | {"/Filter": pikepdf.Array([FLATE, pikepdf.Name.DCTDecode])}


STORED = {
    "gray": lambda g: (_flate(g), {"/Filter": FLATE}),
    "raw": lambda g: (g.tobytes(), {}),
    "rgb": lambda g: (_flate(np.dstack([g, g, g])), {"/Filter": FLATE, "/ColorSpace": pikepdf.Name.DeviceRGB}),
    "gray inverted": lambda g: (_flate(255 - g), {"/Filter": FLATE, "/Decode": pikepdf.Array([1, 0])}),
    "16 bits": lambda g: (
        zlib.compress((g.astype(">u2") * 257).tobytes()),
        {"/Filter": FLATE, "/BitsPerComponent": 16},
    ),
    "indexed": _indexed,
    "bilevel": _bilevel,
    "bilevel inverted": lambda g: _bilevel(255 - g, **{"/Decode": pikepdf.Array([1, 0])}),
    "stencil": lambda g: _bilevel(g, **{"/ImageMask": True, "/ColorSpace": None}),
    "stencil inverted": lambda g: _bilevel(
        255 - g, **{"/ImageMask": True, "/ColorSpace": None, "/Decode": pikepdf.Array([1, 0])}
    ),
    "jpeg": _jpeg,
    "jpeg rgb": lambda g: _jpeg(g, "RGB"),
    "jpeg inverted": lambda g: _jpeg(255 - g, **{"/Decode": pikepdf.Array([1, 0])}),
    "jpeg cmyk": lambda g: _jpeg(g, "CMYK", **{"/Decode": pikepdf.Array([1, 0] * 4)}),
    "jpeg deflated": _chain,
    "group 4": _fax,
    "group 4, black is one": lambda g: _fax(255 - g, **{"/BlackIs1": True}),
}


@pytest.mark.parametrize("name", STORED)
def test_every_way_of_storing_a_scan(
    name: str, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    samples, described = STORED[name](letter)
    covering = read(scan(samples, image=described), "a.pdf", 1, ONE_TO_ONE)
    assert _near(covering.gray, letter)
    beside_text = "q 300 0 0 200 0 0 cm /Im0 Do Q BT /F1 1 Tf 5 5 Td (.) Tj ET"
    assert _near(read(scan(samples, beside_text, image=described), "b.pdf", 1, ONE_TO_ONE).gray, letter)


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("text", ["", " BT /F1 1 Tf 5 5 Td (.) Tj ET"])
def test_short_picture_never_gives_a_quiet_page(
    name: str, text: str, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    noise = np.where(np.random.default_rng(0).random(letter.shape) < 0.5, 0, 255).astype(np.uint8)
    samples, described = STORED[name](noise)
    data = scan(samples[: len(samples) // 2], "q 300 0 0 200 0 0 cm /Im0 Do Q" + text, image=described)
    with pytest.raises(PageError) as raised:
        read(data, "a.pdf")
    assert raised.value.code == "damaged"


def test_small_damaged_picture_on_a_drawn_page_is_flagged(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    content = "BT /F1 40 Tf 100 60 Td (4711) Tj ET q 30 0 0 20 0 0 cm /Im0 Do Q"
    page = read(scan(_flate(letter)[:100], content, image={"/Filter": FLATE}), "a.pdf")
    assert "damaged-picture" in page.flags
    assert page.gray.min() < 50


def test_garbled_jpeg_scan_is_flagged(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    rng = np.random.default_rng(0)
    noise = np.clip(letter.astype(int) + rng.integers(-20, 20, letter.shape), 0, 255).astype(np.uint8)
    samples, described = _jpeg(noise)
    garbled = bytearray(samples)
    garbled[len(garbled) // 2 : len(garbled) // 2 + 400] = bytes([0x5A]) * 400
    page = read(scan(bytes(garbled), image=described), "a.pdf")
    assert "damaged-picture" in page.flags
    assert page.gray.shape == letter.shape


def test_page_that_paints_but_comes_out_blank_is_flagged(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    white = scan(_flate(letter), "BT 1 g /F1 20 Tf (4711) Tj ET")
    assert "blank-render" in read(white, "a.pdf").flags
    empty = scan(_flate(np.full_like(letter, 255)), "q 250 0 0 150 0 0 cm /Im0 Do Q", image={"/Filter": FLATE})
    assert read(empty, "b.pdf").flags == ()


def test_fax_pixels_that_are_not_square_are_made_so(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    page = read(scan(_flate(letter[::2]), size=(300, 100), image={"/Filter": FLATE}), "a.pdf", 1, ONE_TO_ONE)
    assert page.gray.shape == letter.shape
    assert np.abs(page.gray.astype(int) - letter).mean() < 12


def test_passwords(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    def lock(user: str) -> bytes:
        return scan(_flate(letter), image={"/Filter": FLATE}, encryption=pikepdf.Encryption(owner="o", user=user))

    assert np.array_equal(read(lock(""), "open.pdf").gray, letter)
    with pytest.raises(PageError) as raised:
        read(lock("secret"), "locked.pdf")
    assert raised.value.code == "encrypted"


def test_repaired_pdf_says_so(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    whole = scan(_flate(letter), image={"/Filter": FLATE})
    assert "repaired" not in read(whole, "whole.pdf").flags
    for broken in (whole.replace(b"startxref", b"startnone"), whole[: whole.index(b"xref") + 1], b"%PDF" + whole[9:]):
        page = read(broken, "broken.pdf")
        assert "repaired" in page.flags
        assert np.array_equal(page.gray, letter)


def test_cut_off_pdf_is_never_an_empty_page(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    whole = scan(_flate(letter), image={"/Filter": FLATE})
    for stop in range(whole.index(b"/Contents"), len(whole) - 20, 7):
        try:
            page = read(whole[:stop], "a.pdf")
        except PageError as error:
            assert error.code in ("damaged", "no-pages", "not-a-document")  # noqa: PT017
        else:
            assert "repaired" in page.flags
            assert "blank-render" in page.flags or np.array_equal(page.gray, letter)


def test_missing_picture_beside_text_is_flagged(
    letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    page = read(scan(_flate(letter), "/Lost Do BT /F1 20 Tf 50 50 Td (4711) Tj ET"), "a.pdf")
    assert "damaged-picture" in page.flags


@pytest.mark.parametrize("side", [100_000, 2**31])
def test_enormous_pages_are_refused_before_they_are_drawn(
    side: int, letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    page = {"/MediaBox": [0, 0, side, side]}
    with pytest.raises(PageError) as raised:
        read(scan(_flate(letter), "0 0 m 9 9 l S", page=page), "a.pdf")
    assert raised.value.code == "too-large"


def test_enormous_picture_is_refused(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    with pytest.raises(PageError) as raised:
        read(scan(_flate(letter), size=(50_000, 50_000), image={"/Filter": FLATE}), "a.pdf")
    assert raised.value.code == "too-large"


def test_picture_that_inflates_without_end_is_stopped(scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    bomb = zlib.compress(bytes(60_000_000), 9)
    with pytest.raises(PageError) as raised:
        read(scan(bomb, image={"/Filter": FLATE}), "a.pdf")
    assert raised.value.code == "damaged"


def test_form_that_paints_itself_ends(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    with pikepdf.open(io.BytesIO(scan(_flate(letter), "/Fm0 Do", image={"/Filter": FLATE}))) as pdf:
        form = pdf.make_stream(b"q 300 0 0 200 0 0 cm /Im0 Do Q /Fm0 Do")
        form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 300, 200]
        pdf.pages[0].Resources.XObject.Fm0 = form
        form.Resources = pdf.make_indirect(pdf.pages[0].Resources)
        file = io.BytesIO()
        pdf.save(file)
    assert _near(read(file.getvalue(), "a.pdf", 1, ONE_TO_ONE).gray, letter)


def test_picture_inside_a_form_is_taken(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    with pikepdf.open(io.BytesIO(scan(_flate(letter), "/Fm0 Do", image={"/Filter": FLATE}))) as pdf:
        form = pdf.make_stream(b"q 3000 0 0 2000 0 0 cm /Im0 Do Q")
        form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, [0, 0, 3000, 2000]
        form.Matrix = [0.1, 0, 0, 0.1, 0, 0]
        form.Resources = pdf.make_indirect(pikepdf.Dictionary(XObject=pdf.pages[0].Resources.XObject))
        pdf.pages[0].Resources.XObject = pikepdf.Dictionary(Fm0=form)
        file = io.BytesIO()
        pdf.save(file)
    assert np.array_equal(read(file.getvalue(), "a.pdf").gray, letter)


def test_scan_on_a_page_larger_than_paper_keeps_its_own_resolution(
    scan: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    sheet = np.full((2339, 1654), 255, np.uint8)
    sheet[500:900, 400:420] = 0
    page = {"/MediaBox": [0, 0, 1654, 2339]}
    content = "q 1654 0 0 2339 0 0 cm /Im0 Do Q"
    for more in ("", " BT /F1 9 Tf 50 50 Td (stamp) Tj ET"):
        data = scan(_flate(sheet), content + more, (1654, 2339), {"/Filter": FLATE}, page)
        read_page = read(data, "a.pdf")
        assert read_page.gray.shape == pytest.approx((2339, 1654), abs=1)
        assert read_page.dpi == 200
        assert "resolution-estimated" in read_page.flags


def test_user_unit_counts(letter: Gray, scan: Callable[..., bytes], read: Callable[..., Page]) -> None:
    drawn = read(scan(_flate(letter), "0 0 m 300 200 l S", page={"/UserUnit": 2}), "a.pdf", 1, ONE_TO_ONE)
    assert drawn.gray.shape == (400, 600)


def test_sixteen_fax_pages_are_taken_as_stored(data: object, read: Callable[..., Page]) -> None:
    from pathlib import Path

    assert isinstance(data, Path)
    whole = (data / "pages" / "exam" / "four_exams_g4.pdf").read_bytes()
    for number in range(1, 17):
        page = read(whole, "a.pdf", number)
        assert page.gray.shape == (2339, 1656)
        assert set(np.unique(page.gray)) == {0, 255}
        assert page.dpi == pytest.approx(200, abs=1)
        assert page.flags == ()

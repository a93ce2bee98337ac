"""Scans that a PDF keeps in several pictures come out as the one picture they show."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import numpy as np
import pikepdf
import pytest

from docproc.errors import PageError
from docproc.options import Options
from docproc.types import Gray, Ink, Page

ONE_TO_ONE = Options(render_dpi=72)
Stored = tuple[bytes, dict[str, object]]


def picture(gray: Gray) -> Stored:
    return zlib.compress(gray.tobytes()), {
        "/Width": gray.shape[1],
        "/Height": gray.shape[0],
        "/BitsPerComponent": 8,
        "/ColorSpace": pikepdf.Name.DeviceGray,
    }


def stencil(ink: Ink) -> Stored:
    """A mask through which ink is painted in the colour of the moment."""
    bits = zlib.compress(np.packbits(~ink, axis=1).tobytes())
    return bits, {"/Width": ink.shape[1], "/Height": ink.shape[0], "/BitsPerComponent": 1, "/ImageMask": True}


def build(content: str, **stored: Stored) -> bytes:
    """A page of 300 x 200 points that paints named pictures."""
    pdf = pikepdf.new()
    streams = {}
    for name, (data, described) in stored.items():
        stream = streams[f"/{name}"] = pikepdf.Stream(pdf, data)
        kinds = {"/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image, "/Filter": pikepdf.Name.FlateDecode}
        for key, value in (kinds | described).items():
            stream[key] = value
    page = pdf.add_blank_page(page_size=(300, 200))
    page.Contents = pdf.make_stream(content.encode())
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(streams))
    file = io.BytesIO()
    pdf.save(file, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return file.getvalue()


def is_near(gray: Gray, expected: Gray) -> bool:
    return gray.shape == expected.shape and bool(np.abs(gray.astype(int) - expected).mean() < 3)


STRIPS = "q 300 0 0 60 0 140 cm /A Do Q q 300 0 0 60 0 80 cm /B Do Q q 300 0 0 80 0 0 cm /C Do Q"


def test_scan_kept_in_strips_is_put_together(letter: Gray, read: Callable[..., Page]) -> None:
    strips = {"A": picture(letter[:60]), "B": picture(letter[60:120]), "C": picture(letter[120:])}
    page = read(build(STRIPS, **strips), "a.pdf", 1, ONE_TO_ONE)
    assert is_near(page.gray, letter)
    assert page.flags == ()


def test_strip_that_is_damaged_is_never_a_quiet_gap(letter: Gray, read: Callable[..., Page]) -> None:
    data, described = picture(letter[120:])
    strips = {"A": picture(letter[:60]), "B": picture(letter[60:120]), "C": (data[: len(data) // 2], described)}
    assert "damaged-picture" in read(build(STRIPS, **strips), "a.pdf", 1, ONE_TO_ONE).flags
    strips["A"] = strips["B"] = strips["C"]
    with pytest.raises(PageError, match="damaged"):
        read(build("q 300 0 0 200 0 0 cm /A Do Q q 9 0 0 9 0 0 cm /B Do Q", **strips), "b.pdf", 1, ONE_TO_ONE)


def test_ink_painted_through_a_mask_over_its_paper_is_seen(letter: Gray, read: Callable[..., Page]) -> None:
    paper = np.full((20, 30), 230, np.uint8)
    content = "q 300 0 0 200 0 0 cm /Paper Do Q 0 g q 300 0 0 200 0 0 cm /Ink Do Q"
    page = read(build(content, Paper=picture(paper), Ink=stencil(letter == 0)), "a.pdf", 1, ONE_TO_ONE)
    assert is_near(page.gray, np.where(letter == 0, 0, 230).astype(np.uint8))

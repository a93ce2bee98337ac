"""Files that the tests of this room draw for themselves."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from PIL import Image

from docproc.options import Options
from docproc.pages.load import load
from docproc.types import Gray, Page, PageRef


@pytest.fixture
def letter() -> Gray:
    """Black shapes on white, 300 x 200, unlike themselves under every flip and turn."""
    gray = np.full((200, 300), 255, np.uint8)
    gray[20:60, 30:50] = 0
    gray[20:32, 30:150] = 0
    gray[120:180, 200:212] = 0
    gray[90:93, 40:280] = 0
    return gray


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Page]:
    """Write bytes to a file and load one page of it."""

    def write_and_load(data: bytes, name: str, number: int = 1, options: Options | None = None) -> Page:
        path = tmp_path / name
        path.write_bytes(data)
        ref = PageRef(str(path), hashlib.sha256(data).hexdigest(), number)
        return load(ref, options or Options())

    return write_and_load


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Encode a picture as a file of some format."""

    def save(image: Image.Image | Gray, kind: str, **how: object) -> bytes:
        file = io.BytesIO()
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(file, kind, **how)
        return file.getvalue()

    return save


@pytest.fixture
def scan() -> Callable[..., bytes]:
    """A PDF of one page with one picture, 300 x 200 points of page unless said otherwise."""

    def build(
        samples: bytes,
        content: str = "q 300 0 0 200 0 0 cm /Im0 Do Q",
        size: tuple[int, int] = (300, 200),
        image: dict[str, object] | None = None,
        page: dict[str, object] | None = None,
        **saving: object,
    ) -> bytes:
        pdf = pikepdf.new()
        stream = pikepdf.Stream(pdf, samples)
        described: dict[str, object] = {
            "/Type": pikepdf.Name.XObject,
            "/Subtype": pikepdf.Name.Image,
            "/Width": size[0],
            "/Height": size[1],
            "/BitsPerComponent": 8,
            "/ColorSpace": pikepdf.Name.DeviceGray,
        }
        for key, value in (described | (image or {})).items():
            if value is not None:
                stream[key] = value
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        entries: dict[str, object] = {
            "/Type": pikepdf.Name.Page,
            "/MediaBox": [0, 0, 300, 200],
            "/Contents": pikepdf.Stream(pdf, content.encode()),
            "/Resources": pikepdf.Dictionary(
                XObject=pikepdf.Dictionary(Im0=stream),
                Font=pikepdf.Dictionary(F1=font),
                ExtGState=pikepdf.Dictionary(Plain=pikepdf.Dictionary(LW=1, ca=1), Faint=pikepdf.Dictionary(ca=0.5)),
            ),
        }
        pdf.pages.append(pikepdf.Page(pikepdf.Dictionary(entries | (page or {}))))
        file = io.BytesIO()
        if not saving:
            saving = {"compress_streams": False, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
        pdf.save(file, **saving)
        return file.getvalue()

    return build

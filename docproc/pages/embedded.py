"""A picture inside a PDF, decoded strictly from its own stream."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pikepdf
from PIL import Image

from docproc.errors import PageError
from docproc.pages.dropout import drop_print
from docproc.pages.fax import GROUP_3, GROUP_4, TWO_DIMENSIONAL, Coding, decode_fax
from docproc.pages.gray import to_gray
from docproc.pages.images import check_size, decoding, open_strictly
from docproc.pages.jpeg import decode_jpeg
from docproc.types import Gray

GRAY_SPACES = frozenset(("/DeviceGray", "/CalGray", "/G"))
RGB_SPACES = frozenset(("/DeviceRGB", "/CalRGB", "/RGB"))
BITS = (1, 2, 4, 8, 16)
DEEP_BITS = 16
MEBIBYTE = 1 << 20
JBIG2_HEADER = 11
"""Bytes: the shortest segment header."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What came of a stream: `gray`, or None where only a renderer can show it, and `dropped`, the same without its
    coloured print, if it has any.

    `checked` says that damage would have been noticed, `damaged` that part of the picture is not what was stored.
    """

    gray: Gray | None
    checked: bool
    damaged: bool = False
    dropped: Gray | None = None


def decode_picture(image: Any, max_megapixels: float) -> Picture:
    """An image object of a PDF as it is stored, masks left out; raises PageError where it is damaged or too large."""
    with decoding():
        width, height = int(image.get("/Width", 0)), int(image.get("/Height", 0))
        check_size(width, height, max_megapixels)
        filters, parameters = _filters(image)
        last = filters[-1] if filters else ""
        if last in ("/DCTDecode", "/DCT"):
            return _decode_jpeg(image, _before_last(image, filters, parameters), parameters[-1], max_megapixels)
        if last == "/JPXDecode":
            return _decode_jpx(image, _before_last(image, filters, parameters), max_megapixels)
        if last in ("/CCITTFaxDecode", "/CCF"):
            return _decode_fax(image, _before_last(image, filters, parameters), parameters[-1], width, height)
        if last == "/JBIG2Decode":
            _check_jbig2(_before_last(image, filters, parameters))
            return Picture(None, True)
        return _decode_samples(image, filters, width, height)


def _filters(image: Any) -> tuple[list[str], list[Any]]:
    """Names of the filters, outermost first, each with its parameters (an empty dictionary where it has none)."""
    found = image.get("/Filter", image.get("/F"))
    names = [] if found is None else list(found) if isinstance(found, pikepdf.Array) else [found]
    given = image.get("/DecodeParms", image.get("/DP"))
    parameters = list(given) if isinstance(given, pikepdf.Array) else [given]
    parameters += [None] * (len(names) - len(parameters))
    kept = [item if isinstance(item, pikepdf.Dictionary) else pikepdf.Dictionary() for item in parameters]
    return [str(name) for name in names], kept[: len(names)]


def _before_last(image: Any, filters: list[str], parameters: list[Any]) -> bytes:
    """The bytes the last filter is given."""
    raw: bytes = image.read_raw_bytes()
    if len(filters) == 1:
        return raw
    with pikepdf.new() as pdf:
        stream = pikepdf.Stream(pdf, raw)
        stream.Filter = pikepdf.Array([pikepdf.Name(name) for name in filters[:-1]])
        stream.DecodeParms = pikepdf.Array([pikepdf.Dictionary(dict(item.items())) for item in parameters[:-1]])
        return stream.read_bytes()


def _decode_jpeg(image: Any, data: bytes, parameters: Any, max_megapixels: float) -> Picture:
    space = _space(image)
    with open_strictly(data, "jpeg") as jpeg:
        check_size(jpeg.width, jpeg.height, max_megapixels)
        bands = len(jpeg.getbands())
        gray, damaged = decode_jpeg(data, jpeg)
    inverted = _is_inverted(image, bands)
    fits = (bands, space) in ((1, "L"), (3, "RGB")) and "/ColorTransform" not in parameters
    if not fits or inverted is None:
        return Picture(None, True, damaged)
    if inverted:
        return Picture(255 - gray, True, damaged)
    return Picture(gray, True, damaged, None if damaged else drop_print(jpeg, data))


def _decode_jpx(image: Any, data: bytes, max_megapixels: float) -> Picture:
    with open_strictly(data, "jp2") as picture:
        check_size(picture.width, picture.height, max_megapixels)
        picture.load()
        if picture.mode not in ("L", "RGB") or "/Decode" in image or _space(image) not in (picture.mode, ""):
            return Picture(None, True)
        return Picture(to_gray(picture), True, dropped=drop_print(picture))


def _decode_fax(image: Any, data: bytes, parameters: Any, width: int, height: int) -> Picture:
    if parameters.get("/EncodedByteAlign", False) or int(parameters.get("/Columns", 1728)) != width:
        return Picture(None, False)
    k = int(parameters.get("/K", 0))
    coding = Coding(GROUP_4) if k < 0 else Coding(GROUP_3, TWO_DIMENSIONAL if k else 0)
    # The code calls runs black or white; BlackIs1 says which bit stands for black, and Decode which shade a bit has.
    gray = decode_fax(data, width, height, coding)
    if parameters.get("/BlackIs1", False):
        gray = 255 - gray
    inverted = _is_inverted(image, 1)
    if inverted is None or (_space(image) != "L" and not _is_stencil(image)):
        return Picture(None, True)
    return Picture(255 - gray if inverted else gray, True)


def _decode_samples(image: Any, filters: list[str], width: int, height: int) -> Picture:
    space = _space(image)
    bits = 1 if _is_stencil(image) else int(image.get("/BitsPerComponent", 8))
    if bits not in BITS:
        raise PageError("damaged", f"a picture with {bits} bits a pixel")
    row = (width * {"RGB": 3, "CMYK": 4}.get(space, 1) * bits + 7) // 8
    if filters and filters[0] in ("/FlateDecode", "/Fl"):
        _check_deflated(image.read_raw_bytes(), 2 * row * height + MEBIBYTE if len(filters) == 1 else None)
    samples: bytes = image.read_bytes()
    if len(samples) < row * height:
        raise PageError("damaged", "a picture has fewer pixels than it says")
    inverted = _is_inverted(image, 1)
    if bits == 1 and (_is_stencil(image) or space == "L") and inverted is not None:
        stored = Image.frombytes("1", (width, height), samples[: row * height])
        gray = np.array(stored.convert("L"), dtype=np.uint8)
        return Picture(255 - gray if inverted else gray, True)
    if bits == DEEP_BITS or space not in ("L", "RGB", "P") or "/Decode" in image:
        return Picture(None, space in ("L", "RGB", "P", "CMYK"))
    stored = pikepdf.PdfImage(image).as_pil_image(apply_mask=False)
    return Picture(to_gray(stored), True, dropped=drop_print(stored))


def _check_deflated(raw: bytes, most: int | None) -> None:
    """Raise where a deflated stream disagrees with itself or gives more than `most` bytes.

    A missing checksum alone is let pass. Other readers take what they get and leave the rest of the page white.
    """
    inflate = zlib.decompressobj()
    given = 0
    for position in range(0, len(raw), MEBIBYTE):
        chunk = raw[position : position + MEBIBYTE]
        while chunk and not inflate.eof:
            given += len(inflate.decompress(chunk, 16 * MEBIBYTE))
            if most is not None and given > most:
                raise PageError("damaged", "a picture holds far more than its pixels")
            chunk = inflate.unconsumed_tail


def _check_jbig2(data: bytes) -> None:
    """Raise where the segments of an embedded JBIG2 stream do not fill it exactly."""
    position = 0
    while position < len(data):
        if len(data) - position < JBIG2_HEADER:
            if not data[position:].strip(b"\0\r\n"):
                return
            raise PageError("damaged", "a JBIG2 picture is cut short")
        number = int.from_bytes(data[position : position + 4], "big")
        flags, count = data[position + 4], data[position + 5] >> 5
        position += 6
        if count == 7:
            count = int.from_bytes(data[position - 1 : position + 3], "big") & 0x1FFFFFFF
            position += 3 + (count + 8) // 8
        reference = 1 if number <= 256 else 2 if number <= 65536 else 4
        position += count * reference + (4 if flags & 0x40 else 1)
        length = int.from_bytes(data[position : position + 4], "big")
        position += 4
        if length == 0xFFFFFFFF:
            return
        position += length
    if position > len(data):
        raise PageError("damaged", "a JBIG2 picture is cut short")


def _space(image: Any) -> str:
    """The colour space as a Pillow mode: L, P, RGB, CMYK; "" where there is none, "?" for all others."""
    space = image.get("/ColorSpace", image.get("/CS"))
    if space is None:
        return ""
    if isinstance(space, pikepdf.Array):
        family = str(space[0])
        if family == "/ICCBased":
            return {1: "L", 3: "RGB", 4: "CMYK"}.get(int(space[1].get("/N", 0)), "?")
        if family in ("/Indexed", "/I"):
            return "P"
    else:
        family = str(space)
    if family in GRAY_SPACES:
        return "L"
    if family in RGB_SPACES:
        return "RGB"
    return "CMYK" if family in ("/DeviceCMYK", "/CMYK") else "?"


def _is_inverted(image: Any, bands: int) -> bool | None:
    """Whether /Decode turns every band round; None where it does something else."""
    decode = image.get("/Decode", image.get("/D"))
    if decode is None:
        return False
    values = [float(value) for value in decode]
    if values == [0, 1] * bands:
        return False
    return True if values == [1, 0] * bands else None


def _is_stencil(image: Any) -> bool:
    return bool(image.get("/ImageMask", image.get("/IM", False)))

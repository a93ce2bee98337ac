"""Image files to pages, strictly: a picture is whole or it is an error."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from docproc.errors import PageError
from docproc.pages.dropout import drop_print
from docproc.pages.fax import GROUP_3, GROUP_4, Coding, decode_fax
from docproc.pages.gray import to_gray
from docproc.pages.jpeg import decode_jpeg
from docproc.pages.resolution import find_dpi
from docproc.pages.troubles import NO_ROOM, name_trouble
from docproc.types import Gray, Page, PageRef

FORMATS = {
    "png": "PNG",
    "jpeg": "JPEG",
    "tiff": "TIFF",
    "bmp": "BMP",
    "webp": "WEBP",
    "gif": "GIF",
    "jp2": "JPEG2000",
    "pnm": "PPM",
    "avif": "AVIF",
    "heic": "HEIF",
}
"""Kind of file to the one Pillow reader that may open it."""
MEGA = 1e6
LONGEST_DETAIL = 200
DEFLATED = (8, 32946)
FAX = (GROUP_3, GROUP_4)
GROUP_3_OPTIONS = 292
DEEP_BITS = 16
LOW_BIT_FIRST = 2
MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits in the other order."""


def read_image(data: bytes, kind: str, ref: PageRef, *, max_megapixels: float, strip: bool = False) -> Page:
    """One page of an image file; only TIFF has pages past the first.

    Animated GIF, WebP, PNG and AVIF show their first frame and carry the flag `first-frame`. Raises `PageError`.
    """
    with decoding(), open_strictly(data, kind) as image:
        if kind == "tiff":
            _go_to(image, ref.number)
        elif ref.number != 1:
            raise PageError("damaged", f"no page {ref.number}")
        check_size(image.width, image.height, max_megapixels)
        claim = _claimed_dpi(image)
        flags: tuple[str, ...] = ("first-frame",) if kind != "tiff" and _is_animated(image) else ()
        gray, damaged = _decode(image, data, kind)
        if damaged:
            flags += ("damaged-picture",)
        # One field shows too little print to choose its colour; of deep samples Pillow keeps only the high bytes.
        unfit = damaged or strip or _is_deep(image)
        dropped = None if unfit else drop_print(image, data if kind == "jpeg" else b"")
        if dropped is not None:
            dropped = turn(dropped, _orientation(image))
    height, width = gray.shape
    dpi, estimated = find_dpi(claim, width, height, strip=strip)
    return Page(ref, gray, dpi, flags + (("resolution-estimated",) if estimated else ()), dropped)


def count_frames(data: bytes, limit: int) -> int:
    """Pages of a TIFF, counted no further than one past `limit`; a page whose header is damaged counts, and ends it."""
    with decoding(), open_strictly(data, "tiff") as image:
        for count in range(1, limit + 1):
            try:
                image.seek(count)
            except EOFError:
                return count
            except Exception:
                return count + 1
    return limit + 1


def check_size(width: int, height: int, max_megapixels: float) -> None:
    """Raise PageError unless a picture of this size may be decoded."""
    if width <= 0 or height <= 0:
        raise PageError("damaged", f"a picture of {width} x {height} pixels")
    if width * height > max_megapixels * MEGA:
        raise PageError("too-large", f"{width} x {height} pixels; the limit is {max_megapixels:g} megapixels")


@contextmanager
def decoding() -> Iterator[None]:
    """Whatever a reader raises over untrusted bytes is one thing: the picture is damaged. A full machine is another."""
    with warnings.catch_warnings():
        # Pillow warns of odd metadata; what matters of it is checked here by value.
        warnings.simplefilter("ignore")
        try:
            yield
        except (PageError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise name_trouble(error) from error
            # Addresses of objects in a message would make two runs differ.
            words = re.sub(r"\s*<[^<>]*>", "", str(error))[:LONGEST_DETAIL]
            raise PageError("damaged", f"{type(error).__name__}: {words}") from error


def open_strictly(data: bytes, kind: str) -> Image.Image:
    """An image file opened by the one reader for its kind, pixels not yet decoded."""
    if kind == "heic":
        _register_heic()
    elif kind == "avif" and "AVIF" not in Image.OPEN and not _has_avif():
        raise PageError("unsupported", "this Pillow reads no AVIF; convert the file to PNG")
    limit = Image.MAX_IMAGE_PIXELS
    # Pillow's own limit is half a page scanned at 1200 dpi; check_size applies ours before any pixel is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(io.BytesIO(data), formats=(FORMATS[kind],))
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _register_heic() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise PageError("unsupported", "to read HEIC: pip install docproc[heic]") from error
    pillow_heif.register_heif_opener()


def _has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


def _go_to(image: Image.Image, number: int) -> None:
    try:
        image.seek(number - 1)
    except EOFError as error:
        raise PageError("damaged", f"no page {number}") from error


def _is_animated(image: Image.Image) -> bool:
    return int(getattr(image, "n_frames", 1)) > 1


def _decode(image: Image.Image, data: bytes, kind: str) -> tuple[Gray, bool]:
    """The upright picture, and whether part of it is damaged."""
    if kind == "tiff" and isinstance(image, TiffImagePlugin.TiffImageFile):
        return _decode_tiff(image, data), False
    orientation = _orientation(image)
    if kind == "jpeg":
        gray, damaged = decode_jpeg(data, image)
        return turn(gray, orientation), damaged
    if kind == "png":
        _check_sums(data)
    image.load()
    return turn(to_gray(image), orientation), False


def _decode_tiff(image: TiffImagePlugin.TiffImageFile, data: bytes) -> Gray:
    tags: Any = image.tag_v2
    zero_is_white = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    orientation = _orientation(image)
    if image.mode == "1" and tags.get(TiffImagePlugin.COMPRESSION) in FAX and TiffImagePlugin.STRIPOFFSETS in tags:
        return turn(_decode_fax(tags, data, not zero_is_white), orientation)
    if tags.get(TiffImagePlugin.COMPRESSION) in DEFLATED:
        for part in _strips(tags, data):
            zlib.decompress(part)
    # Pillow turns a TIFF page by its tag while loading it.
    image.load()
    return to_gray(image, zero_is_white=zero_is_white, wide=_is_deep(image))


def _is_deep(image: Image.Image) -> bool:
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    return bool(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))[0] == DEEP_BITS)


def _decode_fax(tags: Any, data: bytes, black_is_one: bool) -> Gray:
    """Strip by strip, each proven whole; libtiff alone would show a lost part as white paper."""
    width, height = int(tags[TiffImagePlugin.IMAGEWIDTH]), int(tags[TiffImagePlugin.IMAGELENGTH])
    group = int(tags[TiffImagePlugin.COMPRESSION])
    coding = Coding(group, int(tags.get(GROUP_3_OPTIONS, 0)) if group == GROUP_3 else 0, black_is_one)
    rows = min(int(tags.get(TiffImagePlugin.ROWSPERSTRIP, height)), height)
    strips = _strips(tags, data)
    if rows <= 0 or len(strips) < -(-height // rows):
        raise PageError("damaged", "rows are missing")
    parts = []
    for first, strip in zip(range(0, height, rows), strips, strict=False):
        mirrored = tags.get(TiffImagePlugin.FILLORDER, 1) == LOW_BIT_FIRST
        code = strip.translate(MIRRORED) if mirrored else strip
        parts.append(decode_fax(code, width, min(rows, height - first), coding))
    return np.concatenate(parts)


def _strips(tags: Any, data: bytes) -> list[bytes]:
    """The coded strips of a TIFF page, or its tiles."""
    starts = tags.get(TiffImagePlugin.STRIPOFFSETS) or tags.get(TiffImagePlugin.TILEOFFSETS) or ()
    counts = tags.get(TiffImagePlugin.STRIPBYTECOUNTS) or tags.get(TiffImagePlugin.TILEBYTECOUNTS) or ()
    if len(starts) != len(counts) or any(
        start + count > len(data) for start, count in zip(starts, counts, strict=True)
    ):
        raise PageError("damaged", "the file is cut short")
    return [data[start : start + count] for start, count in zip(starts, counts, strict=True)]


def _check_sums(data: bytes) -> None:
    """Raise where a chunk of a PNG differs from its checksum; Pillow's decoder skips those of the pixels."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            image.verify()


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken label is no reason to lose a whole page
        return 1


def turn(gray: Gray, orientation: int) -> Gray:
    """A stored picture as its EXIF orientation (1..8) wants it shown; other values change nothing."""
    if orientation in (5, 6, 7, 8):
        gray = gray.T
    if orientation in (2, 3, 6, 7):
        gray = gray[:, ::-1]
    if orientation in (3, 4, 7, 8):
        gray = gray[::-1]
    return np.ascontiguousarray(gray)


def _claimed_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        x, y = image.info["dpi"]
        return float(x), float(y)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None

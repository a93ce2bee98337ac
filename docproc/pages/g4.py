"""CCITT group 4 data to pixels, with the proof that nothing was lost.

The usual decoders paint what is missing or garbled as white paper and report nothing. The proof: the end mark is
replaced by one more row, all black. Only a stream read in step from its first bit to its last shows that row, and
shows it exactly below the last row of the picture.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache

import numpy as np
from PIL import Image

from docproc.errors import PageError
from docproc.types import Gray

END_MARK = 0x001001
"""End of facsimile block: two end-of-line codes, 24 bits."""
TAIL_BYTES = 64
"""The end mark is looked for in so many last bytes."""
NARROWEST_PROVEN = 16
"""A narrower black row may be coded relative to the row above it, and then proves nothing."""


def decode_g4(data: bytes, width: int, height: int, *, zero_is_white: bool = True) -> Gray:
    """Group 4 data to a picture of 0 and 255; raises PageError("damaged") where rows are missing or garbled."""
    if width < NARROWEST_PROVEN:
        return _decode(data, width, height, zero_is_white)
    stripped = _strip_end_mark(data)
    if stripped is None:
        return _decode_unmarked(data, width, height, zero_is_white)
    bits, length = stripped
    row, row_length = _black_row(width)
    padding = -(length + row_length) % 8
    tail = ((bits << row_length | row) << padding).to_bytes((length + row_length + padding) // 8, "big")
    gray = _decode(data[:-TAIL_BYTES] + tail, width, height + 1, zero_is_white)
    black = 0 if zero_is_white else 255
    if not (gray[height] == black).all():
        raise PageError("damaged", "the fax-coded picture is cut short or garbled")
    return gray[:height]


def _decode_unmarked(data: bytes, width: int, height: int, zero_is_white: bool) -> Gray:
    """Data without an end mark: it is short if what is appended to it shows in the picture."""
    row, length = _black_row(width)
    padding = -length % 8
    more = (row << padding).to_bytes((length + padding) // 8, "big")
    gray = _decode(data, width, height, zero_is_white)
    if not np.array_equal(gray, _decode(data + more * 2, width, height, zero_is_white)):
        raise PageError("damaged", "the fax-coded picture is cut short")
    return gray


def _strip_end_mark(data: bytes) -> tuple[int, int] | None:
    """The last bytes up to the end mark as (bits, how many), or None where there is no mark."""
    bits = int.from_bytes(data[-TAIL_BYTES:].rstrip(b"\0\r\n"), "big")
    length = len(data[-TAIL_BYTES:].rstrip(b"\0\r\n")) * 8
    if not bits:
        return None
    zeros = (bits & -bits).bit_length() - 1
    bits >>= zeros
    length -= zeros
    if bits & 0xFFFFFF != END_MARK:
        return None
    return bits >> 24, length - 24


@lru_cache(maxsize=8)
def _black_row(width: int) -> tuple[int, int]:
    """The code of one all-black row, end mark included, as (bits, how many)."""
    file = io.BytesIO()
    # TIFF calls set bits white here, but the fax code itself calls every run of set bits black.
    Image.new("1", (width, 1), 1).save(file, "TIFF", compression="group4")
    with Image.open(io.BytesIO(file.getvalue()), formats=("TIFF",)) as image:
        (start,), (count,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    code = file.getvalue()[start : start + count]
    return int.from_bytes(code, "big"), len(code) * 8


def _decode(data: bytes, width: int, height: int, zero_is_white: bool) -> Gray:
    entries = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 1),
        (259, 3, 4),
        (262, 3, 0 if zero_is_white else 1),
        (273, 4, 8 + 2 + 9 * 12 + 4),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, len(data)),
    )
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    with Image.open(io.BytesIO(head + data), formats=("TIFF",)) as image:
        return np.array(image.convert("L"), dtype=np.uint8)

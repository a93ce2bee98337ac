"""CCITT fax data, group 3 and 4, to pixels, with the proof that nothing was lost.

The usual decoder paints what is missing or garbled as white paper and reports nothing. The proof: the end mark is
replaced by one more row, all black. Only a stream read in step from its first bit to its last shows that row, and
shows it exactly below the last row of the picture.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from docproc.errors import PageError
from docproc.types import Gray

GROUP_3, GROUP_4 = 3, 4
"""The same numbers as TIFF gives its compressions."""
TWO_DIMENSIONAL = 1
"""The bit of TIFF's group 3 options that says that rows may be coded by the row above."""
TAIL_BYTES = 64
"""The end mark is looked for in so many last bytes."""
MOST_FILLING = 9
"""Zeros at the end of unmarked data that may belong to a code word or fill the last byte."""
NARROWEST_PROVEN = 16
"""A narrower black row may be coded relative to the row above it, and then proves nothing."""
HORIZONTAL_MODE = "001"
END_OF_LINE = "000000000001"


@dataclass(frozen=True, slots=True)
class Coding:
    """How rows are coded. `options` are TIFF's group 3 options; `black_is_one` turns the two shades round."""

    group: int
    options: int = 0
    black_is_one: bool = False

    @property
    def tag(self) -> str:
        """The bit after each end of line that announces a row coded by itself."""
        return "1" if self.group == GROUP_3 and self.options & TWO_DIMENSIONAL else ""

    @property
    def end_mark(self) -> str:
        """The bits that end a picture, where its writer kept to the standard."""
        return (END_OF_LINE + self.tag) * (6 if self.group == GROUP_3 else 2)


def decode_fax(data: bytes, width: int, height: int, coding: Coding) -> Gray:
    """Fax data to a picture of 0 and 255; raises PageError("damaged") where rows are missing or garbled."""
    if width < NARROWEST_PROVEN:
        return _decode(data, width, height, coding)
    has_line_ends = coding.group == GROUP_3 and data[:1] == b"\0" and data[1:2] < b"\x20"
    row = _black_row(width)
    if coding.group == GROUP_3:
        row = (END_OF_LINE + coding.tag if has_line_ends else "") + row.removeprefix(HORIZONTAL_MODE)
    tail = data[-TAIL_BYTES:].rstrip(b"\r\n")
    bits = f"{int.from_bytes(tail, 'big'):0{8 * len(tail)}b}"
    for last in _find_ends(bits, coding, has_line_ends):
        gray = _decode(data[:-TAIL_BYTES] + _pack(last + row + coding.end_mark), width, height + 1, coding)
        if (gray[height] == (255 if coding.black_is_one else 0)).all():
            return gray[:height]
    raise PageError("damaged", "the fax-coded picture is cut short or garbled")


def _find_ends(bits: str, coding: Coding, has_line_ends: bool) -> Iterator[str]:
    """The last bits without the end mark; where it is missing, one guess for each zero that may be mere filling."""
    line_end = END_OF_LINE + coding.tag
    mark = re.search(f"{line_end}(0*{line_end})+0*$", bits)
    if mark is not None:
        yield bits[: mark.start()]
    elif has_line_ends:
        yield bits
    else:
        body = bits.rstrip("0")
        for zeros in range(min(len(bits) - len(body), MOST_FILLING) + 1):
            yield body + "0" * zeros


def _pack(bits: str) -> bytes:
    """Bits as bytes, the last filled up with zeros."""
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@lru_cache(maxsize=8)
def _black_row(width: int) -> str:
    """The bits of an all-black row in group 4, which says in horizontal mode how long its runs are."""
    file = io.BytesIO()
    # TIFF calls set bits white here, but the fax code itself calls every run of set bits black.
    Image.new("1", (width, 1), 1).save(file, "TIFF", compression="group4")
    with Image.open(io.BytesIO(file.getvalue()), formats=("TIFF",)) as image:
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        (start,), (count,) = tags[273], tags[279]
    code = file.getvalue()[start : start + count]
    bits = f"{int.from_bytes(code, 'big'):0{8 * count}b}"
    return bits.rstrip("0").removesuffix(Coding(GROUP_4).end_mark)


def _decode(data: bytes, width: int, height: int, coding: Coding) -> Gray:
    entries = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 1),
        (259, 3, coding.group),
        (262, 3, 1 if coding.black_is_one else 0),
        (273, 4, 8 + 2 + 10 * 12 + 4),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, len(data)),
        (292 if coding.group == GROUP_3 else 293, 4, coding.options),
    )
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    try:
        with Image.open(io.BytesIO(head + data), formats=("TIFF",)) as image:
            return np.array(image.convert("L"), dtype=np.uint8)
    except OSError as error:
        raise PageError("damaged", "the fax-coded picture cannot be read") from error

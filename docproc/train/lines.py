"""Composed fields as rows with what they say: what the reader of whole rows is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.recognize import line_net
from docproc.recognize.line_net import SIGNS
from docproc.segment.components import find_components
from docproc.segment.line import HEIGHT, draw_line
from docproc.train.bank import Bank, map_fields
from docproc.train.corrections import OVERWRITTEN, STRUCK
from docproc.train.strings import clean_strip, compose
from docproc.types import Line

SIGN_OF = {".": ".", ",": ".", "-": "-", "=": "=", "/": "/", STRUCK: line_net.STRUCK, OVERWRITTEN: line_net.OVERWRITTEN}
"""The sign that stands for a glyph of this name; every other glyph that is no digit is `?`."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledLine:
    """A row, uint8[2, 32, w], and the signs in it, uint8[n], as indices of `line_net.SIGNS`."""

    line: Line
    signs: NDArray[np.uint8]


def make_lines(folder: Path, fields: int, held_out: bool, seed: int, workers: int) -> Iterator[list[LabelledLine]]:
    """Compose `fields` fields by one side of the writer split; yields chunks of rows as they are made."""
    return map_fields(label_line, folder, fields, held_out, seed, workers)


def label_line(rng: np.random.Generator, bank: Bank) -> LabelledLine:
    """Compose one field and return its row, with the signs in it from left to right."""
    strip = compose(rng, bank)
    page = clean_strip(strip.gray)
    line = draw_line(page.gray, find_components(page.ink).labels > 0)
    signs = [
        str(label) if label < 10 else SIGN_OF.get(name, "?")
        for label, name in zip(strip.labels, strip.names, strict=True)
    ]
    return LabelledLine(line, np.array([SIGNS.index(sign) for sign in signs], np.uint8))


def pack(lines: Sequence[LabelledLine]) -> dict[str, Any]:
    """Rows as arrays for a file: all pictures side by side, all signs one after the other, and where each ends."""
    return {
        "pictures": np.concatenate([np.zeros((2, HEIGHT, 0), np.uint8), *(line.line for line in lines)], 2),
        "widths": np.array([line.line.shape[2] for line in lines], np.int64),
        "signs": np.concatenate([np.zeros(0, np.uint8), *(line.signs for line in lines)]),
        "counts": np.array([len(line.signs) for line in lines], np.int64),
    }


def unpack(arrays: Mapping[str, Any]) -> list[LabelledLine]:
    """What `pack` packed."""
    pictures = np.split(arrays["pictures"], np.cumsum(arrays["widths"])[:-1], axis=2)
    signs = np.split(arrays["signs"], np.cumsum(arrays["counts"])[:-1])
    return [LabelledLine(picture, sign) for picture, sign in zip(pictures, signs, strict=True)]

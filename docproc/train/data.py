"""Handwriting sets → glyphs, split by writer.

A glyph is one character as its writer left it: a bitmap or pen strokes. `data/README` of the sets says which may
train; this module opens those and no other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.errors import InputError
from docproc.types import NOT_A_DIGIT

BAD_SEGMENTATION = {"ibm", "uqb"}
"""UNIPEN donors whose digits are often cut wrongly."""
LOOK_ALIKES = set("OoDQIl|SsZzBGgqbiJj/!()[]{}\\1Y>,'`7") | {r"\@", r"\\", r"\""}
"""Characters that are a digit to some eye, or half of one: neither a digit nor, with certainty, not a digit."""
DIGIT_ALPHABETS = {"Greek", "Latin", "Cyrillic", "N_Ko"}
"""Alphabets whose letters or digits look like ours."""
SETS = ("mnist_train", "unipen_strokes", "optdigits_train", "semeion", "symbols", "omniglot")
HELD_OUT_FIFTH = 5
"""One writer in five validates."""
STYLE_OF_COUNTRY = {"USA": 0, "U.S.A": 0, "U.S.A.": 0, "CANADA": 0, "Germany": 1, "Spain": 1, "U.S.S.R": 1}
"""What UNIPEN's countries write, as an index of `types.STYLES`; of the others it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """One character. `label` is 0..9 or NOT_A_DIGIT, `name` what it is; `bitmap` is uint8 ink high, tight,
    or `strokes` are float32[n, 2] polylines with y downward, scaled to height 1. `style` is an index of
    `types.STYLES`, -1 where it is not known. Where the pen `goes_on`, the next digit begins at the end of this one."""

    label: int
    name: str
    writer: str
    bitmap: NDArray[np.uint8] | None = None
    strokes: tuple[NDArray[np.float32], ...] = ()
    stretched: bool = False
    style: int = -1
    goes_on: bool = False


def is_held_out(writer: str) -> bool:
    """Whether a writer validates rather than trains; the same for all time and every run."""
    return hashlib.sha256(writer.encode()).digest()[0] % HELD_OUT_FIFTH == 0


def load_glyphs(folder: Path, held_out: bool) -> tuple[Glyph, ...]:
    """All glyphs of the training sets by the writers that validate (`held_out`) or by the others."""
    check_sets(folder)
    every = [*_mnist(folder), *_unipen(folder), *_binary(folder, "optdigits_train"), *_binary(folder, "semeion")]
    every += [*_symbols(folder), *_omniglot(folder)]
    return tuple(glyph for glyph in every if is_held_out(glyph.writer) == held_out)


def check_sets(folder: Path) -> None:
    """Raise InputError where a training set is missing."""
    missing = [f"{name}.npz" for name in SETS if not (folder / f"{name}.npz").is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}; point --data at the folder that holds the digits")


def load_mnist(folder: Path, held_out: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """MNIST's own crops and labels, by writer split: uint8[n, 28, 28], int64[n]."""
    check_sets(folder)
    with np.load(folder / "mnist_train.npz", allow_pickle=False) as file:
        chosen = np.array([is_held_out(f"mnist/{writer}") == held_out for writer in file["writer"]])
        return file["x"][chosen], file["y"][chosen].astype(np.int64)


def _tight(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(image.max(1) > 64), np.flatnonzero(image.max(0) > 64)
    if not len(rows):
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _mnist(folder: Path) -> list[Glyph]:
    with np.load(folder / "mnist_train.npz", allow_pickle=False) as file:
        triples = zip(file["x"], file["y"], file["writer"], strict=True)
        return [Glyph(int(y), str(y), f"mnist/{writer}", _tight(x)) for x, y, writer in triples]


def _binary(folder: Path, name: str) -> list[Glyph]:
    """Sets without writer names, stretched to their box: neighbours in the file share a writer, so blocks split."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        pairs = enumerate(zip(file["x"], file["y"], strict=True))
        return [Glyph(int(y), str(y), f"{name}/{i // 64}", _tight(x), stretched=True) for i, (x, y) in pairs]


def _symbols(folder: Path) -> list[Glyph]:
    with np.load(folder / "symbols.npz", allow_pickle=False) as file:
        pairs = enumerate(zip(file["x"], file["y"], strict=True))
        return [
            Glyph(NOT_A_DIGIT, str(y), f"symbols/{i // 64}", _tight(x)) for i, (x, y) in pairs if "slash" not in str(y)
        ]


def _omniglot(folder: Path) -> list[Glyph]:
    with np.load(folder / "omniglot.npz", allow_pickle=False) as file:
        triples = zip(file["x"], file["alphabet"], file["char"], strict=True)
        return [
            Glyph(NOT_A_DIGIT, str(char), f"omniglot/{alphabet}", _tight(x))
            for x, alphabet, char in triples
            if str(alphabet).split("(")[0].strip("_") not in DIGIT_ALPHABETS
        ]


def _unipen(folder: Path) -> list[Glyph]:
    glyphs: list[Glyph] = []
    with np.load(folder / "unipen_strokes.npz", allow_pickle=False) as file:
        points, lengths, counts = file["points"], file["stroke_len"], file["n_strokes"]
        columns = (file["section"], file["org"], file["label"], file["writer"], file["country"])
    point = stroke = 0
    for count, section, donor, label, writer, country in zip(counts, *columns, strict=True):
        mine = lengths[stroke : stroke + count]
        ends = point + np.cumsum(mine)
        parts = np.split(points[point : ends[-1]], ends[:-1] - point)
        stroke, point = stroke + count, int(ends[-1])
        if donor in BAD_SEGMENTATION:
            continue
        strokes = unit_height(parts)
        digit = section == "1a"
        if strokes and (digit or str(label) not in LOOK_ALIKES or str(label) in ",/"):
            value = int(label) if digit else NOT_A_DIGIT
            style = STYLE_OF_COUNTRY.get(str(country), -1) if digit else -1
            glyphs.append(Glyph(value, str(label), f"unipen/{writer}", strokes=strokes, style=style))
    return glyphs


def unit_height(parts: list[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
    """Pen strokes with y upward → y downward, top left at 0, the longer of height and half the width at 1."""
    every = np.concatenate(parts)
    low, high = every.min(0), every.max(0)
    size = max(float(high[1] - low[1]), float(high[0] - low[0]) / 2)
    if not np.isfinite(size) or size <= 0:
        return ()
    return tuple(
        np.stack([(part[:, 0] - low[0]) / size, (high[1] - part[:, 1]) / size], 1).astype(np.float32) for part in parts
    )


def draw_glyph(rng: np.random.Generator, glyph: Glyph, height: int, pen: float) -> NDArray[np.float32]:
    """One glyph as ink coverage 0..1, float32[h, w], `height` pixels high, written with a pen `pen` pixels wide."""
    if glyph.strokes:
        return _draw_strokes(glyph.strokes, height, pen)
    assert glyph.bitmap is not None
    rows, columns = glyph.bitmap.shape
    width = columns * height / rows
    if glyph.stretched:
        width = height * (rng.uniform(0.2, 0.5) if glyph.label == 1 else rng.uniform(0.5, 0.85))
    size = (max(2, round(min(width, 3 * height))), max(2, height))
    image = cv2.resize(glyph.bitmap, size, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    # Bring the written line near the pen asked for: grow or shrink the soft edge by moving its threshold.
    soft = cv2.GaussianBlur(cv2.copyMakeBorder(image, 4, 4, 4, 4, cv2.BORDER_CONSTANT), (0, 0), height / 28)
    shift = float(np.clip((pen / height - 0.11) * 4, -0.22, 0.3)) + rng.uniform(-0.05, 0.05)
    return np.asarray(np.clip((soft - 0.45 + shift) * 5 + 0.5, 0, 1), np.float32)


def _draw_strokes(strokes: tuple[NDArray[np.float32], ...], height: int, pen: float) -> NDArray[np.float32]:
    margin = int(pen) + 2
    inner = max(2.0, height - pen)
    right = max(float(stroke[:, 0].max()) for stroke in strokes)
    bottom = max(float(stroke[:, 1].max()) for stroke in strokes)
    canvas = np.zeros((int(bottom * inner) + 2 * margin, int(right * inner) + 2 * margin), np.uint8)
    for stroke in strokes:
        path = np.round((stroke * inner + margin) * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(canvas, [path], False, 255, max(1, round(pen)), cv2.LINE_AA, 4)
    return np.asarray(canvas / 255, np.float32)

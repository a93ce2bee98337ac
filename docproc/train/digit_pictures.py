"""An evaluation of single digits as pictures: which are taken for which, and the worst mistakes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.errors import LedgerError
from docproc.train.digitfile import DigitSet
from docproc.train.lone import Level
from docproc.types import NOT_A_DIGIT, Crops, Gray, Probs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS, ROWS = 8, 8
TILE = 84
"""Pixels of the side of each of a mistake's two pictures: what is stored, and the crop that was read."""
LINE, GAP = 24, 8
"""Pixels above a tile for its words, and between tiles."""


def save_pictures(
    digits: DigitSet, level: Level, crops: Crops, probs: Probs, texts: Mapping[str, str], out: Path
) -> None:
    """The texts, confusions.png and worst.png in that folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, encoding="utf-8")
        draw_confusions(digits.labels, probs).savefig(out / "confusions.png")
        draw_worst(digits, level, crops, probs).savefig(out / "worst.png")
    except OSError as error:
        raise LedgerError(f"cannot write the report to {out}: {error}; name another folder with --out") from error


def draw_confusions(labels: NDArray[np.int64], probs: Probs) -> Figure:
    """How many of each class were read as each: rows are the truth, columns the likeliest of all classes."""
    from matplotlib.figure import Figure

    table = np.zeros((NOT_A_DIGIT + 1, NOT_A_DIGIT + 1), np.int64)
    np.add.at(table, (labels, probs.argmax(1)), 1)
    wrong = np.where(np.eye(len(table), dtype=bool), 0, table)
    figure = Figure(figsize=(6.4, 6.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.sqrt(wrong), cmap="Reds")
    for truth, read in zip(*np.nonzero(table), strict=True):
        dark = np.sqrt(wrong[truth, read]) > 0.6 * np.sqrt(wrong.max())
        colour = "0.6" if truth == read else "white" if dark else "black"
        axes.text(read, truth, str(table[truth, read]), ha="center", va="center", fontsize=8, color=colour)
    names = [*map(str, range(NOT_A_DIGIT)), "none"]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="read as", ylabel="truth", title="Confusions")
    return figure


def draw_worst(digits: DigitSet, level: Level, crops: Crops, probs: Probs) -> Figure:
    """The mistakes the network was surest of: each as stored and as cropped, with truth, reading and confidence."""
    from matplotlib.figure import Figure

    worst = rank_mistakes(digits.labels, probs)[: COLUMNS * ROWS]
    rows = max(1, -(-len(worst) // COLUMNS))
    height, width = TILE + LINE + GAP, 2 * TILE + GAP
    sheet = np.full((rows * height, COLUMNS * width), 255, np.uint8)
    figure = Figure(figsize=(sheet.shape[1] / 100, sheet.shape[0] / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    for place, i in enumerate(worst):
        y, x = place // COLUMNS * height + LINE, place % COLUMNS * width
        stored = digits.images[i] if level == "low" else 255 - digits.images[i]
        sheet[y : y + TILE, x : x + 2 * TILE] = np.hstack([fit_tile(stored), fit_tile(255 - crops[i])])
        axes.text(x, y - 6, tell_mistake(int(digits.labels[i]), probs[i]), fontsize=8)
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    return figure


def rank_mistakes(labels: NDArray[np.int64], probs: Probs) -> NDArray[np.int64]:
    """Indices of what was read as another digit than it is, or as one though it is none, the surest first."""
    chances = probs[:, :NOT_A_DIGIT]
    taken = (labels != NOT_A_DIGIT) | (probs.argmax(1) != NOT_A_DIGIT)
    wrong = np.flatnonzero((chances.argmax(1) != labels) & taken)
    return wrong[np.argsort(-chances[wrong].max(1), kind="stable")]


def tell_mistake(label: int, chances: NDArray[np.float32]) -> str:
    """What a tile shows."""
    read = int(chances[:NOT_A_DIGIT].argmax())
    truth = "no digit" if label == NOT_A_DIGIT else str(label)
    return f"{truth}, read {read}, {chances[read]:.1%}"


def fit_tile(image: Gray) -> Gray:
    """An image as large as a tile takes it, centred on grey."""
    scale = TILE / max(image.shape)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    way = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    tile = np.full((TILE, TILE), 225, np.uint8)
    y, x = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[y : y + size[1], x : x + size[0]] = cv2.resize(image, size, interpolation=way)
    return tile

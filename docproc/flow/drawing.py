"""Pictures of pages for people: a page in colour, with boxes and words over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.errors import LedgerError
from docproc.types import Box, Field, FormPage, Gray

Picture = NDArray[np.uint8]
"""uint8[h, w, 3], blue first as OpenCV has it."""
Color = tuple[int, int, int]
TEAL, ORANGE, RED, GREEN, INK = (150, 130, 0), (0, 130, 240), (40, 40, 210), (60, 150, 40), (60, 40, 20)
LONGEST = 1600
"""Pictures are drawn at most this many pixels long: enough to read on a screen and in the docs."""


def colored(gray: Gray) -> Picture:
    """A picture that colours can be drawn on."""
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def fit(picture: Picture) -> Picture:
    """The picture, made smaller where it is longer than anybody needs."""
    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def outline(picture: Picture, box: Box, color: Color, width: int) -> None:
    """Draw a frame round a box."""
    cv2.rectangle(picture, (box.x, box.y), (box.right - 1, box.bottom - 1), color, width)


def line_width(picture: Picture) -> int:
    """Pixels of a line that can be seen when the whole picture is looked at."""
    return max(1, round(int(max(picture.shape[:2])) / 900))


def write(picture: Picture, text: str, place: tuple[int, int], color: Color, small: float = 1.0) -> None:
    """Write a line of text with its lower left corner there, so much smaller than usual."""
    size = small * max(picture.shape[:2]) / 2800
    y = max(place[1], round(24 * size))
    thickness = max(1, round(2 * size))
    cv2.putText(picture, text, (place[0], y), cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)


def draw_form(page: FormPage) -> Picture:
    """The reference of a form's page with the fields and their names over it."""
    gray = np.asarray(cv2.imdecode(np.frombuffer(page.picture, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    picture = colored(np.asarray(255 - (255 - gray) // 2, np.uint8))
    draw_fields(picture, page.fields)
    return fit(picture)


def draw_fields(picture: Picture, fields: tuple[Field, ...]) -> None:
    """Frame fields and their cells, each with its name inside: nothing else stands there on a blank."""
    width = line_width(picture)
    for field in fields:
        for cell in field.cells:
            outline(picture, cell, ORANGE, width)
        outline(picture, field.box, TEAL, width)
    for field in fields:
        write_inside(picture, field.name, field.box, TEAL)


def save(picture: Picture, path: Path) -> None:
    """Write a picture as PNG; raises LedgerError where that cannot be done."""
    _, data = cv2.imencode(".png", picture)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise LedgerError(f"cannot write {path}: {error.strerror}; mend that, or choose another --out") from error


def write_inside(picture: Picture, text: str, box: Box, color: Color) -> None:
    """Write a line of text into a box, no larger than fits and no smaller than can be read."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    least = max(picture.shape[:2]) / 4500
    size = max(least, min(0.92 * box.width / max(width, 1), 0.45 * box.height / height, 2.5 * least))
    place = (box.x + round(0.04 * box.width), round(box.y + box.height / 2 + size * height / 2))
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, color, max(1, round(2 * size)), cv2.LINE_AA)

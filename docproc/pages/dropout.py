"""A page without the colour that its form is printed in: lines, boxes and labels gone, what was written left.

The colour is chosen from the page. Only light print goes: a pen of that hue is darker than its print.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from docproc.types import Gray

Colours = NDArray[np.uint8]
"""uint8[H, W, 3]: red, green, blue."""
Samples = NDArray[np.uint8]
"""uint8[n, 3]: red, green and blue of some pixels, paper taken as 255."""

SHORTEST = 600
"""Pixels across a page at which its colours are looked at: lines are one wide."""
LINE = 0.025
"""A run of print is at least so long, of the longest side: 7 mm on A4."""
COLOURED = 26
"""Difference of the channels, paper taken as white, from which a pixel counts as coloured: scanners err by half."""
FEWEST, LARGEST = 0.002, 0.3
"""Share of the page that coloured lines cover: at least a comb or two; what covers more is paper in coloured light."""
ALIKE = 0.35
"""Colours whose hues differ by less, in radians, are one;"""
MOST = 0.85
"""it makes so much of all coloured lines."""
SAMPLES = 4000
"""Pixels of lines are enough to tell their colour."""
SOLID = (10, 30)
"""Percentiles of brightness: the dark parts of thin lines show the colour of the print; writing crosses the darkest."""
LIGHT = 0.82
"""In one channel the print is so much as bright as the paper,"""
PALE = 0.58
"""and as a whole so much: darker print may be the writing of a coloured pen."""
DARKER, KEPT = 0.75, 0.55
"""Coloured marks of at most this share of the brightness of the print are of a pen. If more of them"""
PEN = 0.0005
"""than this share of the lines keep less of their darkness in the channel, a stroke or two, nothing is dropped."""
MOST_OBLONG = 4
"""Pages are at most so many times as long as wide."""


class Print(NamedTuple):
    """Coloured lines, found in a small picture of a page: the channel in which they are as light as paper, and where
    some of them lie, int64[n] each, in pixels of a picture of that many rows."""

    channel: int
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    rows: int


def drop_print(image: Image.Image, jpeg: bytes = b"") -> Gray | None:
    """A picture without the light colour it is printed in, or None where it is printed in none.

    It is decoded, or `jpeg` has the bytes, known to be whole, that it was opened from.
    """
    if image.mode not in ("RGB", "P") or image.has_transparency_data or max(image.size) > MOST_OBLONG * min(image.size):
        return None
    if jpeg:
        small = simplejpeg.decode_jpeg(jpeg, "RGB", min_height=SHORTEST, min_width=SHORTEST)
    else:
        image = image if image.mode == "RGB" else image.convert("RGB")
        small = np.asarray(image.reduce(max(1, min(image.size) // SHORTEST)))
    found = find_print(small)
    if found is None:
        return None
    return drop_colour(simplejpeg.decode_jpeg(jpeg, "RGB") if jpeg else np.asarray(image), found)


def find_print(small: Colours) -> Print | None:
    """The print of a form, from a small picture of its page; None where no light colour of lines stands out."""
    planes = [_whiten(np.asarray(plane, np.uint8)) for plane in cv2.split(small)]
    one, two, three = planes
    depth = cv2.subtract(cv2.max(cv2.max(one, two), three), cv2.min(cv2.min(one, two), three))
    coloured = (np.asarray(depth) >= COLOURED).astype(np.uint8)
    fewest = FEWEST * coloured.size
    if cv2.countNonZero(coloured) < fewest:
        return None
    length = max(3, round(LINE * max(coloured.shape)))
    level = cv2.morphologyEx(coloured, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    lines = np.maximum(level, cv2.morphologyEx(coloured, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8)))
    y, x = np.nonzero(lines)
    if not fewest <= len(y) <= LARGEST * coloured.size:
        return None
    others = np.stack([plane[coloured > lines] for plane in planes], axis=1)
    pen = PEN * len(y)
    some = slice(None, None, len(y) // SAMPLES + 1)
    y, x = y[some], x[some]
    own = np.stack([plane[y, x] for plane in planes], axis=1)
    red, green, blue = own.T.astype(np.float64)
    turns = np.exp(1j * np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))
    same = np.abs(np.angle(turns / turns.mean())) < ALIKE
    channel = find_channel(own[same])
    if same.mean() < MOST or channel is None:
        return None
    bright = others.mean(axis=1)
    fading = 255.0 - others[:, channel] < KEPT * (255 - bright)
    if (fading & (bright < DARKER * np.percentile(own[same].mean(axis=1), SOLID[1]))).sum() > pen:
        return None
    return Print(channel, y[same], x[same], len(small))


def find_channel(colours: Samples) -> int | None:
    """The channel in which a print is as light as paper, if it is light enough for print."""
    if not len(colours):
        return None
    bright = colours.mean(axis=1)
    low, high = np.percentile(bright, SOLID)
    colour = np.median(colours[(bright >= low) & (bright <= high)], axis=0)
    channel = int(colour.argmax())
    return channel if colour[channel] >= LIGHT * 255 and colour.mean() >= PALE * 255 else None


def drop_colour(picture: Colours, found: Print) -> Gray | None:
    """The page in the channel of its print, evened to be as light there as the paper.

    None if seen closely the print is too dark: small pictures of thin lines are lighter.
    """
    step = -(-len(picture) // found.rows)
    scale = len(picture) / found.rows
    y, x = (
        np.minimum((place * scale).astype(np.int64)[:, None] + np.arange(step), most - 1)
        for place, most in ((found.y, picture.shape[0]), (found.x, picture.shape[1]))
    )
    blocks = picture[y[:, :, None], x[:, None, :]].reshape(len(y), -1, 3)
    bare = np.maximum(1, np.percentile(picture[::8, ::8].reshape(-1, 3), 90, axis=0))
    darkest = blocks[np.arange(len(y)), blocks.sum(axis=2).argmin(axis=1)]
    if find_channel(np.minimum(255, darkest * (255 / bare)).astype(np.uint8)) != found.channel:
        return None
    white = bare[found.channel]
    table = np.arange(256) * (white / max(1.0, np.percentile(darkest[:, found.channel], SOLID[0])))
    gray = cv2.extractChannel(picture, found.channel)
    return np.asarray(cv2.LUT(gray, np.minimum(255, table).astype(np.uint8)), np.uint8)


def _whiten(plane: Gray) -> Gray:
    """One channel, paper at 255."""
    bare = max(1.0, float(np.percentile(plane[::8, ::8], 90)))
    return np.asarray(cv2.LUT(plane, np.minimum(255, np.arange(256) * (255 / bare)).astype(np.uint8)), np.uint8)

"""What paper, scanner and phone do to a page. Pictures are float32[H, W, 3] RGB or [H, W], 0 black to 1 white."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]
Homography = NDArray[np.float64]
"""float64[3, 3]: (x, y, 1) of one picture to another, up to scale."""

INCH = 25.4
"""Millimetres."""


def make_paper(rng: np.random.Generator, height: int, width: int, tone: tuple[float, float, float]) -> Picture:
    """A bare sheet of that tone with fibre and slow unevenness."""
    fibre = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 1.2) * 0.012
    slow = cv2.resize(
        rng.standard_normal((height // 200 + 2, width // 200 + 2), dtype=np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    sheet = (fibre + slow * 0.006)[:, :, None] + np.array(tone, np.float32)
    return clip_tones(sheet)


def fold(picture: Picture, at: float, horizontal: bool = True) -> Picture:
    """The sheet with a crease at that share of its height (or width): one side in light, a worn line between."""
    length = picture.shape[0 if horizontal else 1]
    position = np.arange(length, dtype=np.float32) - at * length
    width = length / 400
    shade = 1 - 0.05 * np.exp(-np.abs(position) / (length / 14)) * (position > 0)
    shade = shade * (
        1 + 0.03 * np.exp(-((position / width) ** 2)) - 0.09 * np.exp(-(((position - 2 * width) / width) ** 2))
    )
    wave = shade[:, None] if horizontal else shade[None, :]
    return clip_tones(picture * fit_channels(wave.astype(np.float32), picture))


def scan(
    rng: np.random.Generator,
    picture: Picture,
    skew: float,
    *,
    blur: float = 0.6,
    noise: float = 0.012,
    dust: int = 20,
    edge: float = 0.25,
) -> tuple[Picture, Homography]:
    """The page as a flatbed sees it, and where its points went.

    `skew` in degrees, counter-clockwise; `blur` the spread of the optics in pixels; `dust` specks on the glass;
    `edge` the darkness of the shadow along one side.
    """
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), skew, 1.0)
    turn[:, 2] += rng.uniform(-0.004, 0.004, 2) * width
    background = float(rng.uniform(0.9, 0.97))
    laid = cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=(background,) * 3)
    scanned = clip_tones(cv2.GaussianBlur(laid, (0, 0), blur))
    side = 1 - edge * np.exp(-np.arange(width - 1, -1, -1) / (width * 0.008))
    scanned = scanned * fit_channels(side[None, :].astype(np.float32), scanned)
    scanned = sprinkle(rng, scanned, dust)
    grain = rng.standard_normal((height, width), dtype=np.float32) * noise
    scanned = scanned + fit_channels(grain, scanned)
    return clip_tones(scanned), np.vstack([turn, [0, 0, 1]])


def sprinkle(rng: np.random.Generator, picture: Picture, count: int) -> Picture:
    """The picture with dark specks of dust, smaller than any stroke."""
    specks = np.zeros(picture.shape[:2], np.float32)
    for _ in range(count):
        x, y = rng.uniform(0, picture.shape[1]), rng.uniform(0, picture.shape[0])
        length, angle = rng.exponential(1.2) + 0.3, rng.uniform(0, np.pi)
        end = (int((x + length * np.cos(angle)) * 16), int((y + length * np.sin(angle)) * 16))
        cv2.line(specks, (int(x * 16), int(y * 16)), end, float(rng.uniform(0.2, 0.6)), 1, cv2.LINE_8, 4)
    return picture * fit_channels(1 - specks, picture)


def photograph(
    rng: np.random.Generator, picture: Picture, size: tuple[int, int], tilt: float = 0.06, turn: float = 3.0
) -> tuple[Picture, Homography]:
    """The page as a phone sees it on a table, and where its points went.

    `size` is (width, height) of the photo; `tilt` how far corners move, as a share of the photo; `turn` in degrees.
    """
    height, width = picture.shape[:2]
    wide, high = size
    scale = 0.84 * min(wide / width, high / height)
    corners = (np.array([[0, 0], [width, 0], [width, height], [0, height]]) - [width / 2, height / 2]) * scale
    angle = np.deg2rad(turn)
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = corners + np.array([wide / 2, high / 2])
    # The far edge of a page on a table looks shorter than the near one.
    lean = tilt * wide * rng.uniform(0.5, 1.0)
    corners[:2, 0] += [lean, -lean]
    corners += rng.uniform(-0.25, 0.25, (4, 2)) * tilt * wide
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32)).astype(np.float64)
    table = make_table(rng, high, wide, picture.ndim == 3)
    # Half-size steps first: shrinking by perspective alone would leave jagged strokes.
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.4, 0.45 / scale))
    seen = clip_tones(cv2.warpPerspective(soft, matrix, size, flags=cv2.INTER_CUBIC))
    mask = clip_tones(cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size))
    cast = np.roll(mask, (int(high * 0.008), int(wide * 0.008)), (0, 1))
    shadow = clip_tones(1 - 0.35 * cv2.GaussianBlur(cast, (0, 0), wide / 120))
    photo = table * fit_channels(shadow * (1 - mask), table) + seen * fit_channels(mask, seen)
    return light(rng, photo), matrix


def make_table(rng: np.random.Generator, height: int, width: int, colour: bool) -> Picture:
    """A wooden table top."""
    rows = rng.standard_normal((height // 3 + 1, width // 160 + 2), dtype=np.float32)
    grain = cv2.resize(rows, (width, height), interpolation=cv2.INTER_CUBIC) * 0.03
    tone = np.array([0.45, 0.34, 0.25], np.float32)
    return clip_tones(grain[:, :, None] + tone if colour else grain + 0.36)


def light(rng: np.random.Generator, picture: Picture, fall: float = 0.35, noise: float = 0.012) -> Picture:
    """The picture under a lamp at one side: bright there, `fall` darker at the far corner, with sensor noise."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0 : 1 : complex(height), 0 : 1 : complex(width)].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)) / np.sqrt(0.5) + 0.5
    vignette = 0.12 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    lamp = np.clip(0.98 - fall * np.clip(slope, 0, 1) - vignette, 0, 1).astype(np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 0.6) * noise * 1.8
    return clip_tones(picture * fit_channels(lamp, picture) + fit_channels(grain.astype(np.float32), picture))


def threshold(picture: Picture, level: float = 0.6) -> NDArray[np.bool_]:
    """The page as a fax or bilevel scanner keeps it: True is paper."""
    grey = picture if picture.ndim == 2 else to_grey(picture)
    return grey > level


def compress(picture: Picture, quality: int) -> Picture:
    """The picture after a JPEG of that quality, 1 to 95: blocks, and ringing round every stroke."""
    stream = io.BytesIO()
    Image.fromarray(to_bytes(picture)).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as image:
        return np.asarray(image, np.float32) / np.float32(255)


def to_grey(picture: Picture) -> Picture:
    """Luminance of an RGB picture (ITU-R BT.601)."""
    return np.asarray(picture @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def to_bytes(picture: Picture) -> NDArray[np.uint8]:
    """The picture in 8 bits."""
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def clip_tones(picture: NDArray[Any]) -> Picture:
    """The picture with no tone below black or above white."""
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def fit_channels(plane: NDArray[np.float32], picture: Picture) -> NDArray[np.float32]:
    """The plane with a last axis where the picture has one."""
    return plane[:, :, None] if picture.ndim == 3 else plane

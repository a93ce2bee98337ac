"""Ink laid out as a field → the picture that a scanner delivers of it on paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.types import Gray

SIZES, USUAL_SIZES = (18, 24, 30, 40, 60), (30, 40, 60)
"""Pixels that a digit is high where the scanner delivers it: on any scan, and on one of 200 dpi or more."""
SECURED_SHARE = 0.6
"""Share of papers printed with lines against copying."""
PRINTED = (0.03, 0.25)
"""How dark those lines are."""


def put_on_paper(rng: np.random.Generator, coverage: NDArray[np.float32], height: int, plain: bool = False) -> Gray:
    """What is written, float32[h, w] of 0 to 1, on paper and scanned: uint8[h, w]; digits are `height` pixels high.

    `plain` paper has no print on it, and the pen nowhere runs dry.
    """
    rows, columns = coverage.shape
    ink = coverage * (np.float32(rng.uniform(0.5, 1.0)) if plain else _pressure(rng, coverage.shape))
    paper = _paper(rng, rows, columns, 0.0 if plain else SECURED_SHARE)
    if not plain:
        _rule(rng, paper, height)
    return _scan(rng, ink, paper, height, USUAL_SIZES if plain else SIZES)


def _pressure(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Darkness of the ink over the field: a dry pen and a light hand fade in places."""
    coarse = rng.normal(0, 1, (4, 12)).astype(np.float32)
    uneven = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(rng.uniform(0.5, 1.0) + rng.uniform(0, 0.15) * uneven, 0.2, 1), np.float32)


def _scan(
    rng: np.random.Generator,
    ink: NDArray[np.float32],
    paper: NDArray[np.float32],
    height: int,
    sizes: tuple[int, ...],
) -> Gray:
    """Ink on paper → what a scanner delivers, brought back to the working resolution as docproc does."""
    rows, columns = ink.shape
    image = np.minimum(paper * (1 - ink), 1)
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.04 * height))
    coarse = min(1.0, float(rng.choice(sizes)) / height * rng.uniform(0.8, 1.25))
    if coarse < 1:
        size = (max(8, round(columns * coarse)), max(8, round(rows * coarse)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    image = image + rng.normal(0, rng.uniform(0, 0.035), image.shape)
    level = rng.uniform(0.6, 1.0)
    scan = np.clip(image * level * 255, 0, 255).astype(np.uint8)
    kind = rng.random()
    if kind < 0.3:
        _, packed = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        scan = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    elif kind < 0.55:
        threshold = int(255 * level * rng.uniform(0.55, 0.8))
        scan = np.where(scan < threshold, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(scan, (columns, rows), interpolation=cv2.INTER_CUBIC), np.uint8)


def _paper(rng: np.random.Generator, rows: int, columns: int, secured: float) -> NDArray[np.float32]:
    """Plain, shaded or security paper, the last with the chance `secured`: float32[rows, columns], 1 is white."""
    paper = np.ones((rows, columns), np.float32)
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    if rng.random() < secured:
        for _ in range(int(rng.integers(1, 4))):
            pitch, angle = rng.uniform(5, 16), rng.uniform(0, np.pi)
            across = np.cos(angle) * x + np.sin(angle) * y
            along = -np.sin(angle) * x + np.cos(angle) * y
            wave = rng.uniform(0, 8) * np.sin(along / rng.uniform(15, 60))
            lines = np.sin((across + wave) * (2 * np.pi / pitch))
            paper -= rng.uniform(*PRINTED) * np.clip(lines * 2 - rng.uniform(0, 1.4), 0, 1)
    if rng.random() < 0.4:
        coarse = rng.normal(0, 1, (rows // 3 + 1, columns // 3 + 1)).astype(np.float32)
        paper += rng.uniform(0, 0.05) * cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    slope = rng.normal(0, 0.12) * x / columns + rng.normal(0, 0.06) * y / rows
    return np.asarray(np.clip(paper + slope, 0.25, 1.1), np.float32)


def _rule(rng: np.random.Generator, paper: NDArray[np.float32], height: int) -> None:
    """Print remnants of rulings on the paper: an underline in dashes, a bit of a box's side."""
    rows, columns = paper.shape
    shade = float(rng.uniform(0.1, 0.6))
    if rng.random() < 0.3:
        y = int(rows - rng.uniform(0, 0.35) * height)
        thickness = int(rng.integers(1, max(2, height // 16)))
        broken = rng.random() < 0.6
        x = 0
        while x < columns:
            run = int(rng.uniform(0.1, 0.9) * height) if broken else columns
            cv2.line(paper, (x, y), (x + run, y), shade, thickness)
            x += run + int(rng.uniform(0.1, 1.2) * height)
    if rng.random() < 0.15:
        # A box, a little askew, as cut out of a form.
        inset = rng.uniform(0, 0.25, 4) * height
        thickness = int(rng.integers(1, max(2, height // 12)))
        corners = (int(inset[0]), int(inset[1])), (int(columns - inset[2]), int(rows - inset[3]))
        cv2.rectangle(paper, corners[0], corners[1], shade, thickness)
    if rng.random() < 0.12:
        x = int(rng.choice([rng.uniform(0, 0.1), rng.uniform(0.9, 1)]) * columns)
        top = int(rng.uniform(0, 0.7) * rows)
        cv2.line(paper, (x, top), (x, top + int(rng.uniform(0.1, 1) * rows)), shade, int(rng.integers(1, 5)))

"""Any decoded picture to gray: one rule for each way of storing a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docproc.types import Gray

WHITE = 255
DEPTHS = (1, 15, 255, 1023, 4095, 16383, 65535, 2**24 - 1, 2**32 - 1)
"""The largest sample of the bit depths in use; 12 bits kept in 16 is told by what is observed."""
SHALLOWEST_HIGH_BYTE = 63
"""A colour picture of 16-bit samples whose high bytes stay below kept fewer bits than it declares."""


def to_gray(image: Image.Image, *, zero_is_white: bool = False, wide: bool = False) -> Gray:
    """A decoded picture as luminance on white paper.

    `zero_is_white` says that deep samples (16 or 32 bits) are stored inverted; `wide` that 8-bit channels were cut
    from 16-bit ones. Raises what Pillow raises.
    """
    if image.mode.startswith("I") or image.mode == "F":
        gray = _from_deep(np.asarray(image), image.info.get("transparency"))
        return np.subtract(WHITE, gray, dtype=np.uint8) if zero_is_white else gray
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode == "LAB":
        return np.array(image.getchannel("L"), dtype=np.uint8)
    if image.mode in ("HSV", "YCbCr", "BGR;15", "BGR;16", "BGR;24"):
        image = image.convert("RGB")
    if wide:
        image = _stretch(image)
    return np.array(image.convert("L"), dtype=np.uint8)


def _on_white(image: Image.Image) -> Gray:
    """Composited on white; an alpha channel without one visible pixel is junk of the writer, and ignored."""
    rgba = np.asarray(image.convert("RGBA"))
    luminance = np.asarray(image.convert("RGBA").convert("RGB").convert("L"))
    alpha = rgba[..., 3].astype(np.uint16)
    if not alpha.any():
        return luminance.copy()
    mixed = luminance.astype(np.uint16) * alpha + WHITE * (WHITE - alpha)
    return ((mixed + WHITE // 2) // WHITE).astype(np.uint8)


def _from_deep(samples: NDArray[Any], transparent: object) -> Gray:
    """Samples of 16 bits and more, integer or float, scaled by the depth they are seen to use."""
    values = samples.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("no pixel has a value")
    low, high = float(values[finite].min()), float(values[finite].max())
    if samples.dtype.kind == "f" and low >= 0 and high <= 1:
        top = 1.0
    elif low < 0:
        values, top = values - low, max(high - low, 1e-9)
    else:
        top = float(next((depth for depth in DEPTHS if depth >= high), high))
    gray = np.clip(values * (WHITE / top), 0, WHITE)
    gray[~finite] = WHITE
    if isinstance(transparent, int):
        gray[samples == transparent] = WHITE
    rounded: Gray = np.rint(gray).astype(np.uint8)
    return rounded


def _stretch(image: Image.Image) -> Image.Image:
    high = max(top for _, top in _extremes(image))
    if not 0 < high <= SHALLOWEST_HIGH_BYTE:
        return image
    top = next(depth for depth in (1, 3, 7, 15, 31, 63) if depth >= high)
    return image.point([min(WHITE, value * WHITE // top) for value in range(256)] * len(image.getbands()))


def _extremes(image: Image.Image) -> tuple[tuple[int, int], ...]:
    found: Any = image.getextrema()
    return found if isinstance(found[0], tuple) else (found,)

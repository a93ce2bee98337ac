"""Crops leaned either way, as other hands would have written them: what a net says of all is better than of one."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.types import Crops

LEAN = 0.18
"""Pixels to the side for each pixel upward: 10 degrees."""


def vary(crops: Crops) -> tuple[Crops, Crops]:
    """The crops leaned to one side and to the other about their middle: uint8[n, 28, 28] each.

    What becomes of a crop depends on nothing but the crop.
    """
    return _lean(crops, LEAN), _lean(crops, -LEAN)


def _lean(crops: Crops, slope: float) -> Crops:
    leaned = np.empty_like(crops)
    for i, crop in enumerate(crops):
        height, width = crop.shape
        map_back = np.array([[1.0, slope, -slope * (height - 1) / 2], [0.0, 1.0, 0.0]])
        leaned[i] = cv2.warpAffine(crop, map_back, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return leaned

"""JPEG data to gray, with a word on whether the decoder had to guess."""

from __future__ import annotations

import numpy as np
import simplejpeg
from PIL import Image

from docproc.pages.gray import to_gray
from docproc.types import Gray


def decode_jpeg(data: bytes, image: Image.Image) -> tuple[Gray, bool]:
    """The luminance of `data`, opened as `image`, and whether it is damaged: then some of it is not what was stored.

    Pillow notices a short file and raises; garbled data it mostly shows as if nothing were wrong. TurboJPEG, asked to
    be strict, hears every complaint of the same decoder.
    """
    if image.mode in ("L", "RGB"):
        try:
            return np.ascontiguousarray(simplejpeg.decode_jpeg(data, "GRAY", strict=True)[..., 0]), False
        except ValueError:
            image.draft("L", image.size)
            image.load()
            return to_gray(image), True
    image.load()
    gray = to_gray(image)
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for an inverted one; only Adobe's are.
        gray = 255 - gray
    return gray, _is_damaged(data, image.mode)


def _is_damaged(data: bytes, mode: str) -> bool:
    try:
        simplejpeg.decode_jpeg(data, mode, strict=True)
    except ValueError:
        return True
    return False

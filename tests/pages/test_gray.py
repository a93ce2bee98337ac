from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from docproc.pages.gray import to_gray

BLUE = 29
"""Luminance of pure blue."""


def _palette() -> Image.Image:
    image = Image.new("P", (1, 2))
    image.putpalette([250, 250, 250, 0, 0, 255])
    image.putdata([0, 1])
    return image


def _clear(mode: str, colour: tuple[int, ...] | int) -> Image.Image:
    """One clear pixel above one of full colour."""
    image = Image.new("RGBA", (1, 2), (0, 0, 0, 0))
    image.putpixel((0, 1), (0, 0, 255, 255))
    return image.convert(mode) if mode != "RGBA" else image


def _column(values: list[object], mode: str) -> Image.Image:
    image = Image.new(mode, (1, len(values)))
    for row, value in enumerate(values):
        image.putpixel((0, row), value)  # type: ignore[arg-type]
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (_column([0, 1], "1"), [0, 255]),
        (_column([0, 77, 255], "L"), [0, 77, 255]),
        (_column([(255, 255, 255), (0, 0, 255)], "RGB"), [255, BLUE]),
        (_column([(0, 0, 0, 0), (0, 0, 0, 255), (255, 255, 0, 0)], "CMYK"), [255, 0, BLUE]),
        (_palette(), [250, BLUE]),
        (_clear("RGBA", 0), [255, BLUE]),
        (_clear("LA", 0), [255, BLUE]),
        (_column([(0, 0, 0, 128)], "RGBA"), [127]),
        (_column([(100, 128, 128)], "LAB"), [100]),
        (_column([(255, 128, 128), (29, 255, 107)], "YCbCr"), [255, 28]),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
def test_modes(image: Image.Image, expected: list[int]) -> None:
    gray = to_gray(image)
    assert gray.dtype == np.uint8
    assert gray.ravel().tolist() == pytest.approx(expected, abs=1)


def test_alpha_that_hides_everything_is_ignored() -> None:
    assert to_gray(_column([(10, 10, 10, 0), (200, 200, 200, 0)], "RGBA")).ravel().tolist() == [10, 200]


def test_ink_kept_in_alpha_alone_is_ink() -> None:
    assert to_gray(_column([(0, 0, 0, 0), (0, 0, 0, 255)], "RGBA")).ravel().tolist() == [255, 0]


def test_transparent_colour_is_paper() -> None:
    image = _column([0, 90], "L")
    image.info["transparency"] = 0
    assert to_gray(image).ravel().tolist() == [255, 90]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([0, 32768, 65535], np.uint16), [0, 128, 255]),
        (np.array([0, 2048, 4095], np.uint16), [0, 128, 255]),
        (np.array([0, 512, 1023], np.uint16), [0, 128, 255]),
        (np.array([0, 100, 200], np.uint16), [0, 100, 200]),
        (np.array([-100, 0, 100], np.int32), [0, 128, 255]),
        (np.array([0, 0.5, 1], np.float32), [0, 128, 255]),
        (np.array([0, 100, 255], np.float32), [0, 100, 255]),
        (np.array([0, np.nan, 1], np.float32), [0, 255, 255]),
        (np.array([0, 0, 0], np.uint16), [0, 0, 0]),
    ],
)
def test_deep_samples_are_scaled_by_the_depth_in_use(samples: np.ndarray, expected: list[int]) -> None:
    image = Image.fromarray(samples.reshape(-1, 1))
    assert to_gray(image).ravel().tolist() == expected
    inverted = [255 - value for value in expected]
    assert to_gray(image, zero_is_white=True).ravel().tolist() == inverted


def test_picture_without_a_single_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixel"):
        to_gray(Image.fromarray(np.full((2, 2), np.nan, np.float32)))


def test_colour_of_12_bits_kept_in_16_is_not_black() -> None:
    high_bytes = _column([(0, 0, 0), (15, 15, 15)], "RGB")
    assert to_gray(high_bytes, wide=True).ravel().tolist() == [0, 255]
    assert to_gray(_column([(0, 0, 0), (200, 200, 200)], "RGB"), wide=True).ravel().tolist() == [0, 200]

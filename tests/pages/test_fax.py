from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from docproc.errors import PageError
from docproc.pages.fax import GROUP_3, GROUP_4, TWO_DIMENSIONAL, Coding, decode_fax
from docproc.types import Gray, Page

GROUP_3_END = 6 * 12 // 8


@pytest.fixture
def busy() -> Gray:
    """Bilevel page 600 x 800 with 200 small black boxes."""
    rng = np.random.default_rng(5)
    gray = np.full((800, 600), 255, np.uint8)
    for y, x in zip(rng.integers(0, 780, 200), rng.integers(0, 560, 200), strict=True):
        gray[y : y + 14, x : x + 30] = 0
    return gray


def _code(gray: Gray, compression: str, options: int = 0) -> bytes:
    """Fax data of a page as one strip."""
    file = io.BytesIO()
    tags = {278: gray.shape[0]} | ({292: options} if compression == "group3" else {})
    # Set bits are called black by the code itself.
    Image.fromarray(gray < 128).save(file, "TIFF", compression=compression, tiffinfo=tags)
    with Image.open(io.BytesIO(file.getvalue())) as image:
        (start,), (count,) = image.tag_v2[273], image.tag_v2[279]  # type: ignore[attr-defined]
    return file.getvalue()[start : start + count]


CODINGS = [
    ("group4", Coding(GROUP_4)),
    ("group3", Coding(GROUP_3)),
    ("group3", Coding(GROUP_3, TWO_DIMENSIONAL)),
]


@pytest.mark.parametrize(("name", "coding"), CODINGS)
def test_whole_data_is_decoded(name: str, coding: Coding, busy: Gray) -> None:
    data = _code(busy, name, coding.options)
    assert np.array_equal(decode_fax(data, 600, 800, coding), busy)
    assert np.array_equal(decode_fax(data + b"\r\n", 600, 800, coding), busy)
    turned = Coding(coding.group, coding.options, black_is_one=True)
    assert np.array_equal(decode_fax(data, 600, 800, turned), 255 - busy)


@pytest.mark.parametrize(("name", "coding"), CODINGS)
def test_short_noise_is_damaged(name: str, coding: Coding) -> None:
    noise = np.where(np.random.default_rng(0).random((200, 300)) < 0.5, 0, 255).astype(np.uint8)
    data = _code(noise, name, coding.options)
    for stop in range(len(data) // 2, len(data) // 2 + 20):
        with pytest.raises(PageError):
            decode_fax(data[:stop], 300, 200, coding)


@pytest.mark.parametrize(("name", "coding"), CODINGS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.97])
def test_short_data_is_damaged(name: str, coding: Coding, share: float, busy: Gray) -> None:
    data = _code(busy, name, coding.options)
    with pytest.raises(PageError) as raised:
        decode_fax(data[: int(len(data) * share)], 600, 800, coding)
    assert raised.value.code == "damaged"


def test_end_mark_may_be_missing_but_no_row(busy: Gray) -> None:
    data = _code(busy, "group4")
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}".rstrip("0").removesuffix(Coding(GROUP_4).end_mark)
    bits += "0" * (-len(bits) % 8)
    unmarked = int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert np.array_equal(decode_fax(unmarked, 600, 800, Coding(GROUP_4)), busy)
    with pytest.raises(PageError):
        decode_fax(unmarked[:-30], 600, 800, Coding(GROUP_4))


def test_group_4_notices_single_garbled_bytes(busy: Gray) -> None:
    data = _code(busy, "group4")
    rng = np.random.default_rng(1)
    caught = 0
    for place in rng.integers(20, len(data) - 20, 40):
        garbled = bytearray(data)
        garbled[place] ^= 0x5A
        try:
            gray = decode_fax(bytes(garbled), 600, 800, Coding(GROUP_4))
        except PageError:
            caught += 1
        else:
            caught += (gray != busy).mean() < 0.001
    assert caught >= 38


def test_narrow_picture_is_still_decoded() -> None:
    gray = np.full((20, 9), 255, np.uint8)
    gray[5:9, 2:4] = 0
    assert np.array_equal(decode_fax(_code(gray, "group4"), 9, 20, Coding(GROUP_4)), gray)


@pytest.mark.parametrize("tags", [{}, {262: 0}, {278: 100}, {266: 2}, {278: 800}])
@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_tiff_in_strips_and_both_bit_orders(
    compression: str, tags: dict[int, int], busy: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    data = encode(Image.fromarray(busy > 0), "TIFF", compression=compression, tiffinfo=tags)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.array(image.convert("L"))
        first = image.tag_v2[273][0]  # type: ignore[attr-defined]
    assert np.array_equal(read(data, "a.tif").gray, expected)
    garbled = bytearray(data)
    garbled[first + 200 : first + 260] = bytes(60)
    with pytest.raises(PageError) as raised:
        read(bytes(garbled), "b.tif")
    assert raised.value.code == "damaged"

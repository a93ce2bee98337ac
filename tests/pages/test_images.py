from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from docproc.errors import PageError
from docproc.options import Options
from docproc.types import Gray, Page

ORIENTATION = 0x0112
LOSSLESS = [
    ("PNG", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
    ("TIFF", {"compression": "packbits"}),
    ("BMP", {}),
    ("GIF", {}),
    ("WEBP", {"lossless": True}),
    ("PPM", {}),
    ("JPEG2000", {}),
]
LOSSY = [("JPEG", {"quality": 95}), ("JPEG", {"progressive": True}), ("AVIF", {"quality": 95}), ("WEBP", {})]


def _store(gray: Gray, orientation: int) -> Gray:
    """The stored picture that this orientation shows as `gray`."""
    steps = {
        1: gray,
        2: gray[:, ::-1],
        3: gray[::-1, ::-1],
        4: gray[::-1],
        5: gray.T,
        6: np.rot90(gray),
        7: gray[::-1, ::-1].T,
        8: np.rot90(gray, -1),
    }
    return np.ascontiguousarray(steps[orientation])


@pytest.mark.parametrize(("kind", "how"), LOSSLESS)
def test_lossless_formats_give_the_pixels(
    kind: str, how: dict[str, object], letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    assert np.array_equal(read(encode(letter, kind, **how), "no-name").gray, letter)


@pytest.mark.parametrize(("kind", "how"), LOSSY)
def test_lossy_formats_come_near(
    kind: str, how: dict[str, object], letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    page = read(encode(letter, kind, **how), "no-name")
    assert np.abs(page.gray.astype(int) - letter).mean() < 2
    assert "damaged-picture" not in page.flags


@pytest.mark.parametrize(("kind", "how"), [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_truncated_file_is_damaged(
    kind: str, how: dict[str, object], share: float, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)
    data = encode(noise, kind, **how)
    with pytest.raises(PageError) as raised:
        read(data[: int(len(data) * share)], "no-name.png")
    assert raised.value.code == "damaged"


def test_garbled_jpeg_is_flagged(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    noisy = np.clip(letter.astype(int) + np.random.default_rng(0).integers(-9, 9, letter.shape), 0, 255)
    data = bytearray(encode(noisy.astype(np.uint8), "JPEG"))
    data[len(data) // 2 : len(data) // 2 + 400] = np.random.default_rng(1).integers(0, 256, 400, np.uint8).tobytes()
    assert "damaged-picture" in read(bytes(data), "a.jpg").flags


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_garbled_pixels_with_a_checksum_are_damaged(
    kind: str, letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)
    how = {"compression": "tiff_deflate"} if kind == "TIFF" else {}
    data = bytearray(encode(noise, kind, **how))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(PageError) as raised:
        read(bytes(data), "a")
    assert raised.value.code == "damaged"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "how"), [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "group4"})])
def test_orientation_is_applied(
    kind: str,
    how: dict[str, object],
    orientation: int,
    letter: Gray,
    encode: Callable[..., bytes],
    read: Callable[..., Page],
) -> None:
    stored = Image.fromarray(_store(letter, orientation))
    if how:
        stored = stored.convert("1")
    if kind == "TIFF":
        data = encode(stored, kind, tiffinfo={ORIENTATION: orientation}, **how)
    else:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = encode(stored, kind, exif=exif)
    assert np.array_equal(read(data, "a").gray, letter)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photos_are_turned(
    orientation: int, letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    for kind in ("JPEG", "WEBP"):
        data = encode(_store(letter, orientation), kind, exif=exif, quality=95)
        assert np.abs(read(data, "a").gray.astype(int) - letter).mean() < 2


def test_heic_comes_through_its_extra(letter: Gray, read: Callable[..., Page]) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(letter).convert("RGB")).save(file, quality=95)
    assert np.abs(read(file.getvalue(), "a.heic").gray.astype(int) - letter).mean() < 3


def test_heic_without_its_extra_names_it(
    letter: Gray, read: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PageError) as raised:
        read(b"\0\0\0\x18ftypheic" + bytes(40), "a.heic")
    assert raised.value.code == "unsupported"
    assert "docproc[heic]" in raised.value.detail


def test_jpeg_modes(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    rgb = Image.fromarray(np.dstack([letter, letter, np.full_like(letter, 255)]))
    expected = np.array(rgb.convert("L")).astype(int)
    for how in ({}, {"keep_rgb": True}, {"subsampling": 2}):
        assert np.abs(read(encode(rgb, "JPEG", quality=95, **how), "a.jpg").gray.astype(int) - expected).mean() < 2


def test_cmyk_jpeg_is_inverted_only_by_adobe(
    letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    ink = Image.fromarray(255 - letter)
    none = Image.new("L", ink.size)
    adobe = encode(Image.merge("CMYK", (none, none, none, ink)), "JPEG", quality=95)
    assert np.abs(read(adobe, "a.jpg").gray.astype(int) - letter).mean() < 2
    start = adobe.index(b"\xff\xee")
    length = int.from_bytes(adobe[start + 2 : start + 4], "big")
    plain = adobe[:start] + adobe[start + 2 + length :]
    page = read(plain, "b.jpg")
    assert np.abs(page.gray.astype(int)[90:93, 100] - 255).max() < 9


def test_16_bit_tiff_of_12_bits_and_inverted(
    letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    deep = Image.fromarray((letter.astype(np.uint32) * 4095 // 255).astype(np.uint16))
    assert np.array_equal(read(encode(deep, "TIFF"), "a.tif").gray, letter)
    inverted = Image.fromarray(65535 - letter.astype(np.uint16) * 257)
    data = bytearray(encode(inverted, "TIFF"))
    with Image.open(io.BytesIO(bytes(data))) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
    entry = data.index(b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00")
    data[entry + 8] = 0
    assert np.array_equal(read(bytes(data), "b.tif").gray, letter)
    assert np.array_equal(read(encode(Image.fromarray(letter.astype(np.uint16) * 257), "PNG"), "c.png").gray, letter)


def test_tiff_pages_by_number(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    pages = [Image.fromarray(np.roll(letter, shift, axis=1)) for shift in (0, 40, 80)]
    data = encode(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    for number, page in enumerate(pages, start=1):
        assert np.array_equal(read(data, "a.tif", number).gray, np.array(page))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_shows_its_first_frame_and_says_so(
    kind: str, letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    how = {"lossless": True} if kind == "WEBP" else {}
    frames = [Image.fromarray(letter), Image.fromarray(255 - letter)]
    page = read(encode(frames[0], kind, save_all=True, append_images=frames[1:], **how), "a")
    assert "first-frame" in page.flags
    assert np.array_equal(page.gray, letter)


def test_size_is_checked_before_pixels(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    for kind in ("PNG", "TIFF", "JPEG", "GIF", "WEBP", "BMP"):
        with pytest.raises(PageError) as raised:
            read(encode(letter, kind), "a", 1, Options(max_megapixels=0.05))
        assert raised.value.code == "too-large"
        assert "300 x 200" in raised.value.detail
        assert "0.05" in raised.value.detail


def test_bomb_is_refused_and_large_pages_are_not(encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    huge = bytearray(encode(Image.new("1", (8, 8)), "PNG"))
    huge[16:24] = struct.pack(">II", 60000, 60000)
    huge[29:33] = struct.pack(">I", zlib.crc32(huge[12:29]))
    with pytest.raises(PageError) as raised:
        read(bytes(huge), "bomb.png")
    assert raised.value.code == "too-large"
    large = encode(Image.new("1", (12000, 9000), 1), "TIFF", compression="group4")
    assert read(large, "large.tif").gray.shape == (9000, 12000)


def test_resolution_comes_from_the_file_or_the_paper(encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    sheet = Image.new("L", (1654, 2339), 255)
    claimed = read(encode(sheet, "PNG", dpi=(150, 150)), "a.png")
    assert claimed.dpi == pytest.approx(150, abs=0.1)
    assert claimed.flags == ()
    for how in ({}, {"dpi": (1, 1)}, {"dpi": (72, 72)}, {"dpi": (200, 400)}):
        page = read(encode(sheet, "JPEG", **how), "a.jpg")
        assert page.dpi == 200
        assert page.flags == ("resolution-estimated",)
    strip = read(encode(Image.new("L", (900, 80), 255), "PNG"), "a.png", 1, Options(strips=True))
    assert strip.dpi == pytest.approx(200)


def test_broken_metadata_costs_no_page(letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]) -> None:
    data = encode(letter, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage", quality=95)
    assert np.abs(read(data, "a.jpg").gray.astype(int) - letter).mean() < 2


def test_fuzzed_files_fail_in_one_way_only(
    letter: Gray, encode: Callable[..., bytes], read: Callable[..., Page]
) -> None:
    rng = np.random.default_rng(7)
    codes = set()
    for kind, how in (*LOSSLESS, *LOSSY):
        whole = encode(letter, kind, **how)
        for _ in range(12):
            data = bytearray(whole)
            for place in rng.integers(12, min(len(data), 400), 6):
                data[place] = rng.integers(256)
            try:
                read(bytes(data), "a.png", 1, Options(max_megapixels=20))
            except PageError as error:
                codes.add(error.code)
    assert codes <= {"damaged", "too-large"}
    assert "damaged" in codes

"""What a file is, told by its first bytes and not by its name."""

from __future__ import annotations

import os

HEAD = 4096
"""So many first bytes are enough to tell."""
PDF_HEAD = 1024
"""The mark of a PDF may stand anywhere in so many first bytes."""

MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
)
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
EXTENSIONS = frozenset(
    f".{name}"
    for names in ("pdf png jpg jpeg jpe jfif tif tiff bmp dib webp gif", "jp2 j2k jpx pbm pgm ppm pnm heic heif avif")
    for name in names.split()
)
"""Names with one of these claim to be a document."""
OTHER_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an office file"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office file"),
    (b"{\\rtf", "a text document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x1f\x8b", "a compressed file"),
    (b"BZh", "a compressed file"),
    (b"\xfd7zXZ\0", "a compressed file"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!\x1a\x07", "an archive"),
    (b"SQLite format 3\0", "a database"),
    (b"%!PS", "PostScript"),
)
TEXTS = {
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".xml": "XML",
    ".html": "HTML",
    ".htm": "HTML",
    ".svg": "SVG",
    ".md": "text",
}


def sniff(head: bytes, name: str) -> str | None:
    """The kind of document that starts with `head` (a key of `images.FORMATS`, or "pdf"), None for no document."""
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"avif", b"avis"):
            return "avif"
        return "heic" if head[8:12] in HEIF_BRANDS else None
    if head.startswith(b"BM") and len(head) > 17 and head[14:18] in _BMP_HEADERS:
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b"\n\r\t #" and len(head) > 2:
        return "pnm"
    if b"%PDF-" in head[:PDF_HEAD]:
        return "pdf"
    # A PDF whose first bytes were hit is still worth the attempt of a repair.
    if claims(name) == ".pdf" and (b" obj" in head or b"\nxref" in head):
        return "pdf"
    return None


def claims(name: str) -> str | None:
    """The extension by which a name claims to be a document, if it does."""
    extension = os.path.splitext(name)[1].lower()
    return extension if extension in EXTENSIONS else None


def describe(head: bytes, name: str) -> str:
    """What a file that is no document is instead, in words."""
    for magic, words in OTHER_MAGIC:
        if head.startswith(magic):
            return words
    if not head:
        return "an empty file"
    if b"\0" not in head:
        try:
            head.decode("utf-8", errors="strict" if len(head) < HEAD else "ignore")
        except UnicodeDecodeError:
            return "no kind of file that docproc reads"
        return TEXTS.get(os.path.splitext(name)[1].lower(), "text")
    return "no kind of file that docproc reads"


_BMP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))

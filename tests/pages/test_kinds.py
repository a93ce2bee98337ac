from __future__ import annotations

import pytest

from docproc.pages.kinds import claims, describe, sniff


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"%PDF-1.7\n", "a.pdf", "pdf"),
        (b"\n\n junk %PDF-1.4", "a", "pdf"),
        (b"1 0 obj\n<<>>", "hit.pdf", "pdf"),
        (b"1 0 obj\n<<>>", "notes.txt", None),
        (b"\x89PNG\r\n\x1a\n", "a.pdf", "png"),
        (b"\xff\xd8\xff\xe0", "a.png", "jpeg"),
        (b"II*\0", "", "tiff"),
        (b"MM\0*", "", "tiff"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "", "webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "", None),
        (b"\0\0\0\x18ftypheic", "", "heic"),
        (b"\0\0\0\x18ftypavif", "", "avif"),
        (b"\0\0\0\x18ftypisom", "film.mp4", None),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "", "bmp"),
        (b"BMW is a brand of cars, not a picture", "", None),
        (b"P5\n3 4\n255\n", "", "pnm"),
        (b"P5 is not a picture", "", "pnm"),
        (b"PS\n", "", None),
        (b"", "a.pdf", None),
        (b"<!DOCTYPE html>", "a.pdf", None),
    ],
)
def test_kind_is_told_by_content(head: bytes, name: str, kind: str | None) -> None:
    assert sniff(head, name) == kind


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        (b"PK\x03\x04", "a.docx", "zip"),
        (b"\x7fELF\2", "a", "program"),
        (b'{"a": 1}', "a.json", "JSON"),
        (b"a,b\n1,2\n", "a.csv", "CSV"),
        ("gr\u00fc\u00df".encode(), "a.txt", "text"),
        (b"", "a", "empty"),
        (b"\0\1\2", "a.bin", "no kind of file"),
        (b"\xff\xfe\x81\x82", "a.bin", "no kind of file"),
    ],
)
def test_other_files_are_named(head: bytes, name: str, words: str) -> None:
    assert words in describe(head, name)


def test_claims_go_by_the_name_alone() -> None:
    assert claims("Scan.PDF") == ".pdf"
    assert claims("a.jpeg") == ".jpeg"
    assert claims("a.pdf.txt") is None
    assert claims(".pdf") is None

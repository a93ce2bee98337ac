from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from docproc.errors import InputError
from docproc.options import Options
from docproc.pages.sources import find, survey
from docproc.types import Gray


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folder_gives_every_file_in_natural_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "in/page10.png", "in/page2.png", "in/Page1.png", "in/b/2/x", "in/b/10/x", "in/c.pdf")
    monkeypatch.chdir(tmp_path)
    expected = ["in/b/2/x", "in/b/10/x", "in/c.pdf", "in/Page1.png", "in/page2.png", "in/page10.png"]
    assert list(find(["in"])) == expected
    assert list(find(["./in/c.pdf"])) == ["./in/c.pdf"]


def test_litter_and_hidden_files_are_passed_over_but_not_when_named(tmp_path: Path) -> None:
    litter = (
        ".DS_Store",
        "._a.png",
        "Thumbs.db",
        "desktop.ini",
        "@eaDir/a.png",
        ".stfolder/a",
        "~$a.docx",
        ".~lock.a#",
    )
    _touch(tmp_path, "a.png", ".hidden.png", *litter)
    assert list(find([str(tmp_path)])) == [str(tmp_path / "a.png")]
    assert list(find([str(tmp_path / ".hidden.png")])) == [str(tmp_path / ".hidden.png")]


def test_links_to_folders_fifos_and_sockets_are_not_entered(tmp_path: Path) -> None:
    _touch(tmp_path, "in/a.png", "elsewhere/b.png")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/link.png").symlink_to(tmp_path / "elsewhere/b.png")
    (tmp_path / "in/broken.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in/fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "in/socket"))
    server.close()
    found = [os.path.basename(path) for path in find([str(tmp_path / "in")])]
    assert found == ["a.png", "broken.png", "link.png"]
    assert survey(str(tmp_path / "in/broken.png"), Options()).failure is not None
    with pytest.raises(InputError, match="neither a file nor a folder"):
        list(find([str(tmp_path / "in/fifo")]))


def test_odd_names_come_through_unchanged(tmp_path: Path) -> None:
    names = [b"caf\xe9.png", "\u00e4\u0661.png".encode(), b"a\nb.png", b"=cmd,\"'.png", b"-x.png", b"[1].png"]
    for name in names:
        (Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))).write_bytes(b"x")
    found = {os.fsencode(os.path.basename(path)) for path in find([str(tmp_path)])}
    assert found == set(names)
    assert list(find([str(tmp_path / "[1].png")])) == [str(tmp_path / "[1].png")]


def test_patterns_match_and_each_file_comes_once(tmp_path: Path) -> None:
    _touch(tmp_path, "a1.png", "a2.png", "b.txt", "sub/a3.png", ".a4.png")
    one = str(tmp_path / "a1.png")
    assert list(find([one, str(tmp_path / "a*.png"), one])) == [one, str(tmp_path / "a2.png")]
    assert str(tmp_path / "sub/a3.png") in list(find([str(tmp_path / "**/*.png")]))


def test_patterns_are_not_led_in_circles_nor_into_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "in/a.png", "in/sub/b.png", "in/@eaDir/a.png", "in/.trash/a.png", "elsewhere/c.png")
    for name in ("one", "two", "sub/three"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "in")
    (tmp_path / "in/link").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    expected = ["in/a.png", "in/sub/b.png"]
    for pattern in ("in/**/*.png", "in/**", "in/*", "**/*.png", f"{tmp_path}/in/**/?.png"):
        found = [os.path.relpath(path) for path in find([pattern])]
        assert [path for path in found if path != "elsewhere/c.png"] == expected, pattern
    assert list(find(["i*/link"])) == ["in/link/c.png"]
    assert list(find(["i?/link/*"])) == ["in/link/c.png"]


@pytest.mark.parametrize("name", ["missing.pdf", "missing/*.pdf", "a\0b"])
def test_missing_input_says_what_to_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check"):
        list(find([str(tmp_path / name)]))


def test_empty_folder_is_for_the_caller_to_judge(tmp_path: Path) -> None:
    assert list(find([str(tmp_path)])) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder_is_not_lost(tmp_path: Path) -> None:
    _touch(tmp_path, "in/closed/a.png")
    (tmp_path / "in/closed").chmod(0)
    try:
        assert list(find([str(tmp_path / "in")])) == [str(tmp_path / "in/closed")]
    finally:
        (tmp_path / "in/closed").chmod(0o700)


def test_deep_folders_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(400):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"x")
    assert list(find([str(tmp_path)])) == [str(folder / "a.png")]


@pytest.mark.parametrize(
    ("name", "data", "failure", "skipped"),
    [
        ("a.pdf", b"", "empty", False),
        ("a.txt", b"", None, True),
        ("a.pdf", b"<html>sign in</html>", "not-a-document", False),
        ("a.png", b"hello", "not-a-document", False),
        ("a.jpg", bytes(range(256)), "not-a-document", False),
        ("a.docx", b"PK\x03\x04rest", None, True),
        ("a.json", b"{}", None, True),
        ("a", b"plain text", None, True),
        ("a.pdf", b"%PDF-1.4\nnothing more", "damaged", False),
        ("a.tif", b"II*\0\xff\xff\xff\xff", "damaged", False),
    ],
)
def test_what_is_no_page_fails_or_is_skipped(
    name: str, data: bytes, failure: str | None, skipped: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    document = survey(str(path), Options())
    assert document.pages == 0
    assert document.digest == hashlib.sha256(data).hexdigest()
    assert (document.failure.code if document.failure else None) == failure
    assert (document.skipped is not None) == skipped


def test_missing_file_and_folder_fail_with_a_reason(tmp_path: Path) -> None:
    gone = survey(str(tmp_path / "a.pdf"), Options())
    assert (gone.failure and gone.failure.code, gone.digest) == ("gone", "")
    folder = survey(str(tmp_path), Options())
    assert folder.failure is not None
    assert folder.failure.code == "no-access"


def test_pages_are_counted_and_limited(
    tmp_path: Path, letter: Gray, encode: Callable[..., bytes], scan: Callable[..., bytes]
) -> None:
    from PIL import Image

    page = Image.fromarray(letter)
    files = {"a.tif": encode(page, "TIFF", save_all=True, append_images=[page, page]), "b.png": encode(page, "PNG")}
    pdf = pikepdf.new()
    for _ in range(3):
        pdf.add_blank_page()
    pdf.save(tmp_path / "c.pdf")
    pdf = pikepdf.new()
    pdf.save(tmp_path / "none.pdf")
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    counts = {name: survey(str(tmp_path / name), Options()).pages for name in ("a.tif", "b.png", "c.pdf")}
    assert counts == {"a.tif": 3, "b.png": 1, "c.pdf": 3}
    few = Options(max_pages=2)
    for name in ("a.tif", "c.pdf"):
        document = survey(str(tmp_path / name), few)
        assert document.failure is not None
        assert document.failure.code == "too-many-pages"
    empty = survey(str(tmp_path / "none.pdf"), Options())
    assert empty.failure is not None
    assert empty.failure.code == "no-pages"


def test_page_behind_a_damaged_one_is_counted_as_a_page_that_fails(
    tmp_path: Path, letter: Gray, encode: Callable[..., bytes]
) -> None:
    from PIL import Image

    page = Image.fromarray(letter)
    whole = encode(page, "TIFF", save_all=True, append_images=[page, page])
    path = tmp_path / "a.tif"
    path.write_bytes(whole[: len(whole) * 3 // 5])
    assert 2 <= survey(str(path), Options()).pages <= 3

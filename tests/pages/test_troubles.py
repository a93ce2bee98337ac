"""A machine that is short of space or handles fails the page for now; it never gets another picture, or a verdict."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docproc.errors import RETRIED, PageError
from docproc.options import Options
from docproc.pages.images import decoding
from docproc.pages.load import load
from docproc.pages.sources import survey
from docproc.pages.troubles import name_trouble
from docproc.types import Gray, PageRef


@contextmanager
def limited(kind: int, least: int) -> Iterator[None]:
    """Hold this process to a limit of the system for a while."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (least, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def handles(free: int) -> int:
    """The limit on handles that leaves so many."""
    return [number for number in range(1000) if not is_open(number)][free]


def is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


@pytest.fixture
def drawn(scan: Callable[..., bytes], letter: Gray, tmp_path: Path) -> PageRef:
    """A page that has to be rendered."""
    path = tmp_path / "drawn.pdf"
    path.write_bytes(scan(letter.tobytes(), "0 g 30 30 100 20 re f"))
    return PageRef(str(path), survey(str(path), Options()).digest, 1)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what looks like poppler and paints nothing, so that PDFium steps in where it is called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pdftoppm", "pdfinfo"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, "gone"),
        (errno.EACCES, "no-access"),
        (errno.EBUSY, "no-access"),
        (errno.EIO, "no-access"),
        (errno.EMFILE, "no-room"),
        (errno.ENOSPC, "no-room"),
        (errno.ENOMEM, "memory"),
    ],
)
def test_every_refusal_of_the_system_is_tried_again(number: int, code: str) -> None:
    trouble = name_trouble(OSError(number, os.strerror(number)))
    assert trouble.code == code
    assert trouble.code in RETRIED
    assert trouble.detail == ("" if code == "gone" else os.strerror(number))


def test_want_of_handles_is_not_taken_for_a_damaged_or_closed_file(drawn: PageRef, tmp_path: Path) -> None:
    with limited(resource.RLIMIT_NOFILE, handles(0)):
        document = survey(drawn.source, Options())
        with pytest.raises(PageError) as raised:
            load(drawn, Options())
    assert document.failure is not None
    assert (document.failure.code, raised.value.code) == ("no-room", "no-room")
    assert load(drawn, Options()).gray.min() == 0
    with pytest.raises(PageError, match="no-room"), decoding():
        raise OSError(errno.EMFILE, "too many open files")


@pytest.mark.usefixtures("programs")
def test_page_is_not_painted_by_another_program_for_want_of_room(drawn: PageRef) -> None:
    usual = load(drawn, Options()).gray
    assert usual.min() == 0
    with limited(resource.RLIMIT_NOFILE, handles(4)), pytest.raises(PageError) as raised:
        load(drawn, Options())
    assert raised.value.code == "no-room"
    with limited(resource.RLIMIT_FSIZE, 0), pytest.raises(PageError) as raised:
        load(drawn, Options())
    assert raised.value.code == "no-room"
    assert not [name for name in os.listdir(tempfile.gettempdir()) if name.endswith(".ppm")]
    assert (load(drawn, Options()).gray == usual).all()

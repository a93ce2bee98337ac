"""Copies of pages that a renderer keeps are gone after the run, also those of a worker that died."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pikepdf

Docproc = Callable[..., "subprocess.Popen[bytes]"]


def test_worker_that_dies_while_rendering_leaves_nothing(docproc: Docproc, model: Path, tmp_path: Path) -> None:
    with pikepdf.new() as pdf:
        sheet = pdf.add_blank_page(page_size=(300, 200))
        sheet.Contents = pdf.make_stream(b"0 g 30 30 100 20 re f")
        pdf.save(tmp_path / "drawn.pdf")
    programs, temporary, seen = tmp_path / "bin", tmp_path / "temporary", tmp_path / "seen"
    for folder in (programs, temporary):
        folder.mkdir()
    (programs / "pdftoppm").write_text("#!/bin/sh\nexit 1\n")
    (programs / "pdfinfo").write_text(f'#!/bin/sh\nls "$1" >> "{seen}"\nkill -9 $PPID\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    child = docproc(
        *("run", tmp_path / "drawn.pdf", "--out", tmp_path / "r.csv", "--model", model, "--workers", "1"),
        PATH=f"{programs}:/usr/bin:/bin",
        TMPDIR=str(temporary),
    )
    _, errors = child.communicate()
    assert child.returncode == 8, errors.decode()
    assert b"failed (crash), 1 page" in errors
    copies = [Path(line) for line in seen.read_text().splitlines()]
    assert len(copies) == 2
    assert all(copy.parent.parent == temporary and copy.parent.name.startswith("docproc-") for copy in copies)
    assert list(temporary.iterdir()) == []

"""Locked PDFs from the command line: told, then read once their password is given, and it is written nowhere."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

Docproc = Callable[..., "subprocess.Popen[bytes]"]
PASSWORD = "open, seven names"


@pytest.fixture
def inbox(page: Path, tmp_path: Path) -> Path:
    """A folder with one scan as a PDF, locked."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    with Image.open(page) as picture:
        picture.save(tmp_path / "plain.pdf", resolution=300)
    with pikepdf.open(tmp_path / "plain.pdf") as pdf:
        pdf.save(folder / "locked.pdf", encryption=pikepdf.Encryption(owner="owner", user=PASSWORD))
    return folder


def statuses(out: Path) -> list[tuple[str, str]]:
    with out.open(encoding="utf-8") as file:
        return [(row["status"], row["reasons"]) for row in csv.DictReader(file)]


def test_locked_file_is_read_once_its_password_is_given(
    docproc: Docproc, model: Path, inbox: Path, tmp_path: Path
) -> None:
    out, passwords = tmp_path / "r.csv", tmp_path / "passwords.txt"

    def run(*more: str | Path) -> tuple[int, str]:
        child = docproc("run", inbox, "--out", out, "--model", model, "--workers", "1", *more)
        _, errors = child.communicate()
        return child.returncode, errors.decode()

    code, said = run()
    assert (code, statuses(out)) == (8, [("failed", "encrypted")])
    assert "--password-file" in said
    passwords.write_text("wrong\n\nwrong too\n")
    code, said = run("--password-file", passwords)
    assert (code, statuses(out)) == (8, [("failed", "encrypted")])
    assert "locked.pdf (2 passwords tried)" in said
    passwords.write_text(f"wrong\n{PASSWORD}\n")
    code, said = run("--password-file", passwords)
    assert code == 0, said
    assert "1 page in = 1 read + 0 failed" in said
    assert all(status != "failed" for status, _ in statuses(out))
    code, again = run("--password-file", passwords)
    assert "1 page had been done by an earlier run" in again
    written = b"".join(path.read_bytes() for path in tmp_path.glob("r.csv*")) + said.encode()
    assert PASSWORD.encode() not in written


def test_inspect_takes_passwords_too(docproc: Docproc, model: Path, inbox: Path, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.txt"
    passwords.write_text(PASSWORD)
    child = docproc("inspect", inbox / "locked.pdf", "--out", tmp_path / "look", "--model", model)
    _, errors = child.communicate()
    assert (child.returncode, b"needs a password" in errors) == (3, True)
    child = docproc(
        "inspect", inbox / "locked.pdf", "--out", tmp_path / "look", "--model", model, "--password-file", passwords
    )
    _, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    assert (tmp_path / "look" / "7-reading.png").is_file()


def test_password_file_that_is_none_is_refused_before_any_work(docproc: Docproc, inbox: Path, tmp_path: Path) -> None:
    child = docproc("run", inbox, "--out", tmp_path / "r.csv", "--password-file", tmp_path / "none.txt")
    _, errors = child.communicate()
    assert (child.returncode, b"none.txt" in errors) == (4, True)
    assert b"Traceback" not in errors
    assert not (tmp_path / "r.csv.ledger").exists()

"""Standard streams that nobody holds open: no traceback, and nothing goes where it does not belong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(page: Path, model: Path, out: str | Path, closed: str) -> subprocess.CompletedProcess[bytes]:
    """Read a page with some standard streams closed, as a shell does it."""
    words = ["-m", "docproc.apps.cli", "run", page, "--out", out, "--model", model, "--workers", "1"]
    command = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, *words]
    return subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))


@pytest.fixture(scope="module")
def expected(page: Path, model: Path) -> bytes:
    ended = run(page, model, "-", "")
    assert ended.returncode == 0
    return ended.stdout


def test_summary_does_not_stray_into_the_results(page: Path, model: Path, expected: bytes) -> None:
    ended = run(page, model, "-", "2>&-")
    assert (ended.returncode, ended.stdout) == (0, expected)


def test_closed_standard_output_is_no_error(page: Path, model: Path) -> None:
    ended = run(page, model, "-", ">&-")
    assert ended.returncode == 0
    assert b"1 page in = 1 read" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_without_any_stream_files_hold_what_they_should(
    page: Path, model: Path, expected: bytes, tmp_path: Path
) -> None:
    ended = run(page, model, tmp_path / "r.csv", "<&- >&- 2>&-")
    assert ended.returncode == 0
    assert (tmp_path / "r.csv").read_bytes() == expected


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
@pytest.mark.parametrize("words", [["--version"], ["models", "show"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_no_room_for_what_is_printed_is_one_message(words: list[str], buffered: str) -> None:
    command = [sys.executable, "-m", "docproc.apps.cli", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": buffered}
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, text=True, env=environment)
    assert ended.returncode == 6
    assert ended.stderr == "docproc: No space left on device; make room, or write elsewhere\n"
